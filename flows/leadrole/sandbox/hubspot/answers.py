"""The words all of HubSpot's endpoints share: error bodies, cursors, limits of what may be asked."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any

from leadrole.sandbox.hubspot.catalog import TYPE_BY_NAME
from leadrole.sandbox.wire import Request


class Refusal(Exception):
    """A request HubSpot would answer with an error body."""

    def __init__(
        self, status: int, message: str, category: str | None = "VALIDATION_ERROR", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"status": "error", "message": message}
        if category:
            self.body["category"] = category
        self.body.update(more)


def not_found(**more: Any) -> Refusal:
    """Give the refusal for what is not there."""
    return Refusal(404, "resource not found", "OBJECT_NOT_FOUND", **more)


def missing_scopes(scopes: list[str]) -> Refusal:
    """Give the refusal for a key without a scope."""
    return Refusal(
        403,
        "This app hasn't been granted all required scopes to make this call. Read more about required "
        "scopes here: https://developers.hubspot.com/scopes.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": scopes},
            }
        ],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def unauthorized() -> dict[str, Any]:
    """Give HubSpot's body for a token it does not know."""
    return {
        "status": "error",
        "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
        "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "category": "INVALID_AUTHENTICATION",
    }


def expired(seconds: int = 5) -> dict[str, Any]:
    """Give HubSpot's body for a token that was good until a moment ago."""
    ago = f"{seconds} second(s)" if seconds < 60 else f"{seconds // 60} minute(s)"
    return {
        "status": "error",
        "message": f"The OAuth token used to make this call expired {ago} ago.",
        "category": "EXPIRED_AUTHENTICATION",
    }


def rate_limited(policy: str) -> dict[str, Any]:
    """Give HubSpot's body for a limit that was reached: SECONDLY, TEN_SECONDLY_ROLLING or DAILY."""
    limit = {"SECONDLY": "secondly", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "DAILY": "daily"}[policy]
    if policy == "SECONDLY":
        # As recorded from the search endpoint in 2022.
        return {
            "status": "error",
            "message": f"You have reached your {limit} limit.",
            "category": "RATE_LIMITS",
        }
    return {
        "status": "error",
        "message": f"You have reached your {limit} limit.",
        "errorType": "RATE_LIMIT",
        "policyName": policy,
    }


def object_type_of(name: str) -> str:
    """Give the type that a path names in one of its ways."""
    object_type = TYPE_BY_NAME.get(name.lower())
    if object_type is None:
        raise Refusal(400, f"Unable to infer object type from: {name}")
    return object_type


def json_of(request: Request) -> dict[str, Any]:
    """Read the body of a request."""
    try:
        return request.json()
    except ValueError:
        raise Refusal(400, "Invalid input JSON on line 1, column 1: Unrecognized token") from None


def limit_of(given: Any, most: int, default: int = 10) -> int:
    """Read how many rows are asked for."""
    if given is None or given == "":
        return default
    try:
        limit = int(given)
    except (TypeError, ValueError):
        raise Refusal(400, f"{given} was not a valid int for limit.") from None
    if not 0 < limit <= most:
        raise Refusal(400, f"The maximum limit is {most} and the minimum is 1. Requested: {limit}")
    return limit


def offset_of(given: Any) -> int:
    """Read a cursor that is a count."""
    if given in (None, ""):
        return 0
    try:
        return max(int(given), 0)
    except (TypeError, ValueError):
        raise Refusal(400, f"{given} was not a valid int for after.") from None


def inputs_of(body: dict[str, Any], most: int, with_history: bool) -> list[dict[str, Any]]:
    """Read the inputs of a batch."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or any(not isinstance(one, dict) or "id" not in one for one in inputs):
        raise Refusal(400, "Invalid input JSON: Some required fields were not set: [inputs]")
    if len(inputs) > most:
        if with_history:
            raise Refusal(
                400, "You can only request at most 50 objects in one request for properties with history"
            )
        raise Refusal(
            400,
            f"The maximum number of inputs supported in a batch request is {most}. Received: {len(inputs)}",
        )
    return inputs


def write_after(record_id: int) -> str:
    """Write the opaque cursor of a list: what follows this id."""
    return base64.urlsafe_b64encode(f"{record_id}\n".encode()).decode()


def read_after(after: str) -> int:
    """Read the cursor of a list."""
    try:
        return int(base64.urlsafe_b64decode(after.encode()).decode())
    except (ValueError, binascii.Error):
        raise Refusal(400, f"Could not read the paging cursor {after}") from None


def is_search(request: Request) -> bool:
    """Whether a request is a search, which has a limit and headers of its own."""
    return request.path.endswith("/search")


def wants_archived(request: Request) -> bool:
    """Whether the archived records are asked for; some clients write True."""
    return (request.one("archived") or "").lower() == "true"


def milliseconds(instant: datetime) -> int:
    """Give an instant as searches compare it."""
    return round(instant.timestamp() * 1000)


def is_number(text: str) -> bool:
    """Whether a text is a whole number."""
    return re.fullmatch(r"-?\d+", text) is not None
