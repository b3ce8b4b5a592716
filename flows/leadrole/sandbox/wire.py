"""What a dialect and the server exchange: a request taken apart, an answer before it is written.

A dialect is a pretend CRM at one instant. The server makes it anew whenever its clock moves, so what must
outlive an instant (tokens given out, jobs, what was spent) goes into `memory`, which the server keeps.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.log import History, State


@dataclass(slots=True)
class Reply:
    """An answer before it is written: status, body and what the headers need to know."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    is_search: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request taken apart."""

    method: str
    target: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
        """Take the target of a request apart."""
        parts = urlsplit(target)
        return cls(
            method,
            target,
            parts.path.rstrip("/"),
            parse_qs(parts.query, keep_blank_values=True),
            headers,
            body,
        )

    def one(self, name: str) -> str | None:
        """Give the last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else None

    def names(self, name: str) -> list[str]:
        """Give the names in a parameter that may be repeated or hold a list with commas."""
        return [one for value in self.query.get(name, []) for one in value.split(",") if one]

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; anything else is a ValueError."""
        value = json.loads(self.body or b"{}")
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return value

    def form(self) -> dict[str, str]:
        """Read the body as an HTML form."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}


class Dialect(Protocol):
    """A pretend CRM at one instant, in one vendor's words."""

    def __init__(
        self,
        state: State,
        *,
        history: History,
        token: str,
        base_url: str,
        faults: Faults,
        memory: dict[str, Any],
        **settings: Any,
    ) -> None: ...

    def answer(self, request: Request) -> Reply:
        """Answer a request."""

    def limited(self, request: Request, moment: float, calls: int) -> Reply | None:
        """Refuse the call if a vendor's limit is reached; `moment` is in seconds, `calls` counts this one."""

    def fault(self, fault: Fault, request: Request) -> Reply | None:
        """Say in this vendor's words what a `status`, `daily_limit` or `expire_token` fault says."""

    def bend(self, fault: Fault, request: Request, reply: Reply) -> None:
        """Change a good answer into a bad one of the same shape."""

    def dress(self, reply: Reply, request: Request, number: int) -> None:
        """Add the headers that every answer of this vendor carries."""


def is_over(recent: deque[float], moment: float, window: float, most: int) -> bool:
    """Whether one more call at `moment` exceeds `most` in any `window` seconds; counts it if it does not."""
    while recent and recent[0] <= moment - window:
        recent.popleft()
    if len(recent) >= most:
        return True
    recent.append(moment)
    return False
