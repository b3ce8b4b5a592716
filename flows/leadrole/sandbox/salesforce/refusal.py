"""What the vendor says when it refuses: a list of errors, or at the token endpoint an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadrole.sandbox.wire import Reply

USUAL = {
    400: ("MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    406: ("NOT_ACCEPTABLE", "The requested representation is not available"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
    500: (
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support",
    ),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
}
WAIT_PAGE = (
    "<html>\n<head><title>Salesforce</title></head>\n<body><h1>We are setting things up</h1>\n"
    "<p>This will only take a moment.</p></body>\n</html>\n"
)


class Refusal(Exception):
    """A request the vendor would answer with an error body."""

    def __init__(self, status: int, code: str | None = None, message: str | None = None) -> None:
        usual_code, usual_message = USUAL.get(status, USUAL[500])
        self.status = status
        self.code = code or usual_code
        self.message = message or usual_message
        super().__init__(self.message)

    @property
    def reply(self) -> Reply:
        """The answer it is."""
        return Reply(self.status, [{"message": self.message, "errorCode": self.code}])


def page(status: int) -> Reply:
    """Give the web page with which the edge answers."""
    return Reply(status, WAIT_PAGE, {"Content-Type": "text/html;charset=UTF-8"})


def usual(status: int, headers: Mapping[str, str]) -> Reply:
    """Give the usual answer with a status: a page where the edge gives it, else a list of one error."""
    reply = page(status) if status in (420, 502, 504) else Refusal(status).reply
    reply.headers.update(headers)
    return reply


def token_error(error: str, description: str) -> Reply:
    """Give a refusal of the token endpoint."""
    body: dict[str, Any] = {"error": error, "error_description": description}
    return Reply(400, body, {"Cache-Control": "no-store", "Pragma": "no-cache"})
