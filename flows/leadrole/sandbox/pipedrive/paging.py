"""Limits, times, cursors and the ends of pages, as both versions of Pipedrive's API have them."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from leadrole.sandbox.pipedrive.shapes import V2_TIME, Shape
from leadrole.sandbox.wire import Request

LIMIT = 500
DEFAULT_LIMIT = 100
NOWHERE = "Please check developers.pipedrive.com for more information about Pipedrive API."


class Refusal(Exception):
    """A request that Pipedrive would answer with an error."""

    def __init__(self, status: int, error: str, info: str = NOWHERE) -> None:
        super().__init__(error)
        self.status = status
        self.body = failure(error, info)


def failure(error: str, info: str = NOWHERE, **more: Any) -> Shape:
    """Give the body of an error."""
    return {
        "success": False,
        "error": error,
        "error_info": info,
        "data": None,
        "additional_data": None,
        **more,
    }


def integer(request: Request, name: str, default: int) -> int:
    """Read a whole number."""
    given = request.one(name)
    if given in (None, ""):
        return default
    try:
        return int(given or "")
    except ValueError:
        raise Refusal(400, f"{name} must be an integer") from None


def limit_of(request: Request) -> int:
    """Read how many rows are asked for."""
    limit = integer(request, "limit", DEFAULT_LIMIT)
    if not 0 < limit <= LIMIT:
        raise Refusal(400, f"limit must not be greater than {LIMIT}")
    return limit


def moment_of(request: Request, name: str) -> datetime | None:
    """Read a time; one with fractions, a space or an offset is refused."""
    given = request.one(name)
    if given is None:
        return None
    try:
        moment = datetime.strptime(given, V2_TIME).replace(tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None or moment.strftime(V2_TIME) != given:
        raise Refusal(400, f"{name} must be in the format 2025-01-01T10:20:00Z")
    return moment


def write_cursor(field: str, value: Any, direction: str, key: Any) -> str:
    """Write a keyset marker: the row the page ended with, in the order asked for."""
    told = {"field": field, "fieldValue": value, "sortDirection": direction, "id": key}
    return base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> Shape | None:
    """Read a keyset marker."""
    if not cursor:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if {"field", "fieldValue", "sortDirection", "id"} <= set(told):
            return dict(told)
    except (ValueError, binascii.Error, TypeError):
        pass
    raise Refusal(400, "cursor is invalid")


def end_here(body: Shape) -> None:
    """Say that this page is the last one."""
    more: Shape = body.get("additional_data") or {}
    if "next_cursor" in more:
        more["next_cursor"] = None
    place: Shape = more.get("pagination") or more
    if "more_items_in_collection" in place:
        place["more_items_in_collection"] = False
        place.pop("next_start", None)


def next_request(request: Request, body: Any) -> Request | None:
    """Give the request for the page that follows."""
    more: Shape = (body.get("additional_data") or {}) if isinstance(body, dict) else {}
    if more.get("next_cursor"):
        return with_one(request, "cursor", more["next_cursor"])
    place: Shape = more.get("pagination") or more
    if place.get("more_items_in_collection"):
        return with_one(request, "start", str(place["start"] + place["limit"]))
    return None


def loop_here(request: Request, body: Shape) -> None:
    """Let a page name itself as the next one."""
    more = body["additional_data"]
    if "next_cursor" in more:
        more["next_cursor"] = request.one("cursor") or write_cursor("id", 0, "asc", 0)
    elif "pagination" in more:
        more["pagination"]["next_start"] = more["pagination"]["start"]


def with_one(request: Request, name: str, value: str) -> Request:
    """Give the request with another value of one parameter."""
    query = {**request.query, name: [value]}
    return Request(request.method, request.target, request.path, query, request.headers, request.body)
