"""HubSpot's dialect over the folded records: paths, shapes, limits and errors of spec/crm-apis.md section 1.

Nothing here knows of HTTP connections; `Account.answer` takes a request apart and gives status, headers and
body. Shapes follow recorded traffic where there is some.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.log import (
    OBJECTS,
    PIPELINE_ID,
    STAGES,
    History,
    Owner,
    Record,
    State,
    Version,
    iso,
    parse_iso,
)
from leadrole.sandbox.wire import Reply, Request, is_over

URL_LIMIT = 8000
LIST_LIMIT = 100
HISTORY_LIMIT = 50
SEARCH_LIMIT = 200
SEARCH_BODY_LIMIT = 3000
BATCH_LIMIT = 100
ASSOCIATION_BATCH_LIMIT = 1000
ASSOCIATION_PAGE = 500
TOKEN_SHAPE = re.compile(r"Bearer [A-Za-z0-9._\-]{4,200}")
VERSIONS = ("2026-03", "2026-09")

TYPE_NAMES = {
    "contacts": ("contacts", "contact", "0-1"),
    "deals": ("deals", "deal", "0-3"),
    "calls": ("calls", "call", "0-48"),
    "emails": ("emails", "email", "0-49"),
    "meetings": ("meetings", "meeting", "0-47"),
}
TYPE_BY_NAME = {name: object_type for object_type, names in TYPE_NAMES.items() for name in names}
SCOPES = {
    "contacts": "crm.objects.contacts.read",
    "deals": "crm.objects.deals.read",
    "owners": "crm.objects.owners.read",
    # Activities have no scope one could tick; they are read with that of contacts.
    "calls": "crm.objects.contacts.read",
    "emails": "crm.objects.contacts.read",
    "meetings": "crm.objects.contacts.read",
}
SCHEMA_SCOPES = {
    name: "crm.schemas.deals.read" if name == "deals" else "crm.schemas.contacts.read" for name in OBJECTS
}
ASSOCIATION_TYPES = {
    ("deals", "contacts"): 3, ("contacts", "deals"): 4,
    ("contacts", "calls"): 193, ("calls", "contacts"): 194,
    ("contacts", "emails"): 197, ("emails", "contacts"): 198,
    ("contacts", "meetings"): 199, ("meetings", "contacts"): 200,
    ("deals", "calls"): 205, ("calls", "deals"): 206,
    ("deals", "emails"): 209, ("emails", "deals"): 210,
    ("deals", "meetings"): 211, ("meetings", "deals"): 212,
}  # fmt: skip

# name -> type; a star marks a property HubSpot calculates, which stamps history anew at each sync.
_COMMON = {"hs_object_id": "number", "hubspot_owner_id": "enumeration", "hs_object_source_label": "string"}
_ACTIVITY = {
    **_COMMON, "hs_timestamp": "datetime", "hs_createdate": "datetime", "hs_lastmodifieddate": "datetime",
    "lastmodifieddate": "datetime", "hs_activity_type": "enumeration",
}  # fmt: skip
PROPERTIES: dict[str, dict[str, str]] = {
    "contacts": {
        **_COMMON, "createdate": "datetime", "lastmodifieddate": "datetime", "hs_lastmodifieddate": "datetime",
        "firstname": "string", "lastname": "string", "email": "string", "phone": "string",
        "lifecyclestage": "enumeration", "hs_lead_status": "enumeration", "hs_analytics_source": "enumeration",
        "first_conversion_date": "datetime", "recent_conversion_date": "datetime",
        "hs_merged_object_ids": "enumeration", "hs_calculated_merged_vids": "string*",
        "notes_last_contacted": "datetime*", "num_associated_deals": "number*", "hs_v2_date_entered_lead": "datetime*",
    },
    "deals": {
        **_COMMON, "createdate": "datetime", "hs_lastmodifieddate": "datetime", "lastmodifieddate": "datetime",
        "hs_createdate": "datetime", "dealname": "string", "pipeline": "enumeration", "dealstage": "enumeration",
        "amount": "number", "deal_currency_code": "enumeration", "amount_in_home_currency": "number*",
        "closedate": "datetime", "hs_is_closed": "bool*", "hs_is_closed_won": "bool*", "hs_is_closed_lost": "bool*",
        "hs_deal_stage_probability": "number*", "closed_lost_reason": "string", "closed_won_reason": "string",
        "dealtype": "enumeration", "num_associated_contacts": "number*", "hs_merged_object_ids": "enumeration",
    },
    "calls": {
        **_ACTIVITY, "hs_call_direction": "enumeration", "hs_call_status": "enumeration",
        "hs_call_duration": "number", "hs_call_disposition": "enumeration", "hs_call_title": "string",
    },
    "emails": {
        **_ACTIVITY, "hs_email_direction": "enumeration", "hs_email_status": "enumeration",
        "hs_email_subject": "string",
    },
    "meetings": {
        **_ACTIVITY, "hs_meeting_outcome": "enumeration", "hs_meeting_start_time": "datetime",
        "hs_meeting_end_time": "datetime", "hs_meeting_title": "string",
    },
}  # fmt: skip
DEFAULT_PROPERTIES = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "deals": (
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline",
    ),
    **{name: ("hs_createdate", "hs_lastmodifieddate", "hs_object_id") for name in ("calls", "emails", "meetings")},
}  # fmt: skip
ALWAYS = {
    "contacts": ("createdate", "hs_object_id", "lastmodifieddate"),
    "deals": ("createdate", "hs_lastmodifieddate", "hs_object_id"),
    **{
        name: ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
        for name in ("calls", "emails", "meetings")
    },
}
MODIFIED = {name: "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate" for name in OBJECTS}
OPERATORS = frozenset(
    {
        "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
    }
)  # fmt: skip


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


class Account:
    """One HubSpot account at one instant."""

    def __init__(
        self,
        state: State,
        *,
        history: History | None = None,
        token: str,
        base_url: str,
        memory: dict[str, Any] | None = None,
        search_cap: int = 10_000,
        max_page: int = 100,
        search_lag_seconds: int = 300,
        seed: int = 0,
        per_10_seconds: int = 100,
        search_per_second: int = 5,
        daily_limit: int = 250_000,
        faults: Faults | None = None,
        zone: str = "Europe/Amsterdam",
        currency: str = "EUR",
    ) -> None:
        self.state = state
        self.history = history
        self.memory = {} if memory is None else memory
        self.token = token
        self.base_url = base_url
        self.search_cap = search_cap
        self.max_page = max_page
        self.search_lag_seconds = search_lag_seconds
        self.seed = seed
        self.per_10_seconds = per_10_seconds
        self.search_per_second = search_per_second
        self.daily_limit = daily_limit
        self.zone = zone
        self.currency = currency
        self._set_faults(faults or Faults())
        self._ids = {name: [int(one) for one in state.live[name]] for name in OBJECTS}
        self._archived_ids = {name: [int(one) for one in state.archived[name]] for name in OBJECTS}
        self._rows = {name: list(state.live[name].values()) for name in OBJECTS}
        self._archived_rows = {name: list(state.archived[name].values()) for name in OBJECTS}
        self._index: dict[str, list[Record]] = {}

    def _set_faults(self, faults: Faults) -> None:
        self._removed_scopes = {fault.values["scope"] for fault in faults.of("scope_removed")}
        self._unlisted = {fault.values["stage_id"] for fault in faults.of("stage_unlisted")}
        self._removed = {
            (fault.values["object"], fault.values["name"]) for fault in faults.of("property_removed")
        }
        self._shown = {
            (fault.values["object"], fault.values["name"]): (fault.values["shown"], fault.values["every"])
            for fault in faults.of("value")
        }

    # --- the server's questions

    def limited(self, request: Request, moment: float, calls: int) -> Reply | None:
        """Refuse a call beyond one of HubSpot's limits: a day, 10 seconds, or a second of search."""
        if calls > self.daily_limit:
            return Reply(429, rate_limited("DAILY"))
        if _is_search(request):
            recent = self.memory.setdefault("searches", deque())
            if is_over(recent, moment, 1.0, self.search_per_second):
                return Reply(429, rate_limited("SECONDLY"), is_search=True)
        elif is_over(self._recent(), moment, 10.0, self.per_10_seconds):
            return Reply(429, rate_limited("TEN_SECONDLY_ROLLING"))
        return None

    def _recent(self) -> deque[float]:
        recent: deque[float] = self.memory.setdefault("calls", deque())
        return recent

    def fault(self, fault: Fault, request: Request) -> Reply | None:
        """Say what broke as HubSpot says it."""
        if fault.kind == "daily_limit":
            return Reply(429, rate_limited("DAILY"))
        if fault.kind == "expire_token":
            return Reply(401, expired())
        code, headers, body = fault.values["code"], dict(fault.values["headers"]), fault.values["body"]
        return Reply(code, _usual_body(code, request) if body is None else body, headers)

    def bend(self, fault: Fault, request: Request, reply: Reply) -> None:
        """Change a good answer into a bad one of the same shape."""
        body = reply.body
        if reply.status not in (200, 207) or not isinstance(body, dict) or "results" not in body:
            return
        following = body.get("paging", {}).get("next")
        if fault.kind == "empty_everything":
            body["results"] = []
            body.pop("paging", None)
            if "total" in body:
                body["total"] = 0
        elif fault.kind == "null_results":
            body["results"] = None
        elif fault.kind == "duplicate_page":
            body["results"] = body["results"] * 2
        elif fault.kind == "omit_last_page" and following:
            if "paging" not in self.answer(_after(request, following["after"])).body:
                del body["paging"]
        elif fault.kind == "next_points_to" and following:
            following["link"] = fault.values["url"]
        elif fault.kind == "loop_next":
            itself = str(_json(request).get("after") or 0) if _is_search(request) else request.one("after")
            body["paging"] = {"next": {"after": itself or _write_after(0)}}
        elif fault.kind == "partial_batch" and body["results"]:
            _lose(reply, fault.values["lose"])

    def dress(self, reply: Reply, request: Request, number: int) -> None:
        """Add HubSpot's headers."""
        headers = reply.headers
        reply.is_search = reply.is_search or _is_search(request)
        correlation = f"{number:08x}-0000-4000-8000-{number:012x}"
        if reply.status >= 400 and isinstance(reply.body, dict):
            reply.body.setdefault("correlationId", correlation)
            if reply.body.get("errorType") == "RATE_LIMIT":
                reply.body.setdefault("requestId", f"{number:032x}")
        if reply.status in (530, 414):
            return
        headers["X-HubSpot-Correlation-Id"] = correlation
        headers["X-HubSpot-RateLimit-Daily"] = str(self.daily_limit)
        headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(self.daily_limit - number, 0))
        if not reply.is_search:
            # Search says nothing about its own limit, as recorded.
            headers["X-HubSpot-RateLimit-Max"] = str(self.per_10_seconds)
            headers["X-HubSpot-RateLimit-Remaining"] = str(
                max(self.per_10_seconds - max(len(self._recent()), 1), 0)
            )
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"

    # --- the door

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        refused = self._refuse_at_the_edge(request)
        if refused is not None:
            return refused
        try:
            reply = self._route(request)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body)
        return reply

    def _refuse_at_the_edge(self, request: Request) -> Reply | None:
        if len(self.base_url) + len(request.target) > URL_LIMIT:
            page = "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n</html>\r\n"
            return Reply(414, page, {"Content-Type": "text/html"})
        header = request.headers.get("Authorization")
        if header is not None and not TOKEN_SHAPE.fullmatch(header):
            # A token of no known shape never reaches HubSpot: the edge answers.
            return Reply(530, "error code: 1016", {"Content-Type": "text/plain; charset=UTF-8"})
        if header != f"Bearer {self.token}":
            return Reply(401, unauthorized())
        return None

    def _route(self, request: Request) -> Reply:
        path = request.path
        for pattern, method, handle in _ROUTES:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return handle(self, request, **match.groupdict())
        if any(pattern.fullmatch(path) for pattern, _, _ in _ROUTES):
            page = "<html>\n<head>\n<title>Error 405</title>\n</head>\n<body>\n<h2>HTTP ERROR: 405</h2>\n</body>\n</html>\n"
            return Reply(405, page, {"Content-Type": "text/html;charset=iso-8859-1"})
        page = "<html>\n<head>\n<title>Error 404 Not Found</title>\n</head>\n<body>\n<h2>HTTP ERROR: 404</h2>\n</body>\n</html>\n"
        return Reply(404, page, {"Content-Type": "text/html;charset=iso-8859-1"})

    def _need(self, *scopes: str) -> None:
        missing = [scope for scope in scopes if scope in self._removed_scopes]
        if missing:
            raise Refusal(
                403,
                "This app hasn't been granted all required scopes to make this call. Read more about required "
                "scopes here: https://developers.hubspot.com/scopes.",
                "MISSING_SCOPES",
                errors=[
                    {
                        "message": "One or more of the following scopes are required.",
                        "context": {"requiredGranularScopes": missing},
                    }
                ],
                links={"scopes": "https://developers.hubspot.com/scopes"},
            )

    def _type(self, name: str) -> str:
        object_type = TYPE_BY_NAME.get(name.lower())
        if object_type is None:
            raise Refusal(400, f"Unable to infer object type from: {name}")
        return object_type

    # --- objects

    def _list(self, request: Request, kind: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCOPES[object_type])
        with_history = request.names("propertiesWithHistory")
        limit = _limit(request.one("limit"), LIST_LIMIT)
        if with_history and limit > HISTORY_LIMIT and request.one("limit"):
            raise Refusal(
                400, "You can only request at most 50 objects in one request for properties with history"
            )
        if with_history:
            limit = min(limit, HISTORY_LIMIT)
        archived = request.one("archived") == "true"
        ids = (self._archived_ids if archived else self._ids)[object_type]
        rows = (self._archived_rows if archived else self._rows)[object_type]
        start = 0
        after = request.one("after")
        if after:
            start = bisect_right(ids, _read_after(after))
        page = rows[start : start + min(limit, self.max_page)]
        results = [
            self._show(record, request.names("properties"), with_history, request.names("associations"))
            for record in page
        ]
        body: dict[str, Any] = {"results": results}
        if start + len(page) < len(rows) and page:
            body["paging"] = {"next": self._next(request, _write_after(int(page[-1].record_id)))}
        return Reply(200, body)

    def _next(self, request: Request, after: str) -> dict[str, str]:
        parameters = [
            (name, value) for name, values in request.query.items() for value in values if name != "after"
        ]
        parameters.append(("after", after))
        link = "&".join(f"{name}={quote(value, safe=',')}" for name, value in parameters)
        return {"after": after, "link": f"{self.base_url}{request.path}?{link}"}

    def _get(self, request: Request, kind: str, record_id: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCOPES[object_type])
        archived = request.one("archived") == "true"
        rows = (self.state.archived if archived else self.state.live)[object_type]
        if object_type == "contacts":
            # The id of a record that was merged away still leads to the survivor.
            record_id = self.state.survivor(record_id)
        record = rows.get(record_id)
        if record is None:
            raise Refusal(404, "resource not found", "OBJECT_NOT_FOUND", context={"id": [record_id]})
        shown = self._show(
            record,
            request.names("properties"),
            request.names("propertiesWithHistory"),
            request.names("associations"),
        )
        return Reply(200, shown)

    def _batch_read(self, request: Request, kind: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCOPES[object_type])
        body = _json(request)
        with_history = list(body.get("propertiesWithHistory") or [])
        inputs = _inputs(body, HISTORY_LIMIT if with_history else BATCH_LIMIT, bool(with_history))
        archived = request.one("archived") == "true"
        rows = (self.state.archived if archived else self.state.live)[object_type]
        results, missing = [], []
        for one in dict.fromkeys(str(given["id"]) for given in inputs):
            record = rows.get(one)
            if record is None:
                missing.append(one)
            else:
                results.append(self._show(record, list(body.get("properties") or []), with_history))
        reply = self._batch(results)
        if missing:
            reply["numErrors"] = 1
            reply["errors"] = [
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "message": f"Could not get some {object_type.upper()} objects, they may be deleted or not exist. "
                    "Check that ids are valid.",
                    "context": {"ids": missing},
                }
            ]
        return Reply(207 if missing else 200, reply)

    def _batch(self, results: list[dict[str, Any]]) -> dict[str, Any]:
        started_at, completed_at = self.state.at, self.state.at + timedelta(milliseconds=36)
        return {
            "status": "COMPLETE",
            "results": results,
            "startedAt": iso(started_at),
            "completedAt": iso(completed_at),
        }

    def _show(
        self,
        record: Record,
        asked: list[str],
        with_history: list[str] = [],  # noqa: B006
        associations: list[str] = [],  # noqa: B006
    ) -> dict[str, Any]:
        object_type = record.object_type
        known = PROPERTIES[object_type]
        if asked:
            names = [
                name for name in dict.fromkeys(asked) if name in known and name not in ALWAYS[object_type]
            ]
            names += ALWAYS[object_type]
        else:
            names = list(DEFAULT_PROPERTIES[object_type])
        shown: dict[str, Any] = {
            "id": record.record_id,
            "properties": {
                name: self._value(record, name) for name in sorted(names) if self._knows(object_type, name)
            },
            "createdAt": iso(record.created_at),
            "updatedAt": iso(record.updated_at),
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            shown["archivedAt"] = iso(record.archived_at)
        if with_history:
            shown["propertiesWithHistory"] = {
                name: [_history_entry(version, value) for version, value in record.history(name)]
                for name in with_history
                if self._knows(object_type, name)
            }
        linked = {}
        for kind in associations:
            to_type = self._type(kind)
            ids = self.state.linked(object_type, record.record_id, to_type)
            if ids:
                name = f"{object_type[:-1]}_to_{to_type[:-1]}"
                linked[to_type] = {"results": [{"id": one, "type": name} for one in ids]}
        if linked:
            shown["associations"] = linked
        return shown

    def _knows(self, object_type: str, name: str) -> bool:
        return name in PROPERTIES[object_type] and (object_type, name) not in self._removed

    def _value(self, record: Record, name: str) -> str | None:
        value = self._plain_value(record, name)
        shown = self._shown.get((record.object_type, name))
        if shown is not None and int(record.record_id) % shown[1] == 0:
            if shown[0] == "epoch_ms":
                return str(_milliseconds(parse_iso(value))) if value else value
            return str(shown[0])
        return value

    def _plain_value(self, record: Record, name: str) -> str | None:
        if name == MODIFIED[record.object_type]:
            return iso(record.updated_at)
        if name == "amount_in_home_currency":
            return record.properties.get("amount")
        if name == "num_associated_contacts":
            return str(len(self.state.linked("deals", record.record_id, "contacts")))
        return record.properties.get(name)

    # --- search

    def _search(self, request: Request, kind: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCOPES[object_type])
        if len(request.body) > SEARCH_BODY_LIMIT:
            raise Refusal(400, f"The request body is longer than {SEARCH_BODY_LIMIT} characters")
        body = _json(request)
        limit = _limit(body.get("limit"), SEARCH_LIMIT)
        offset = _offset(body.get("after"))
        if offset >= self.search_cap:
            raise Refusal(
                400, f"The maximum number of results that can be paged through is {self.search_cap}. "
                f"Requested offset: {offset}"
            )  # fmt: skip
        test = self._filter(object_type, body.get("filterGroups") or [])
        query = str(body.get("query") or "").lower()
        found = [
            record for record in self._indexed(object_type) if test(record) and self._mentions(record, query)
        ]
        found = self._sort(object_type, found, body.get("sorts") or [])
        last = min(offset + min(limit, 2 * self.max_page), self.search_cap)
        page = found[offset:last]
        asked = list(body.get("properties") or [])
        reply: dict[str, Any] = {
            "total": len(found),
            "results": [self._show(record, asked) for record in page],
        }
        if last < len(found):
            reply["paging"] = {"next": {"after": str(last)}}
        return Reply(200, reply)

    def _indexed(self, object_type: str) -> list[Record]:
        """Give what the search index holds: each record as it was some seconds ago, by a lag of its own."""
        if object_type not in self._index:
            seen = []
            for record in self._rows[object_type]:
                seen_until = self.state.at - timedelta(seconds=self._lag(record))
                shown = record if record.updated_at <= seen_until else record.as_it_was(seen_until)
                if shown is not None:
                    seen.append(shown)
            self._index[object_type] = seen
        return self._index[object_type]

    def _lag(self, record: Record) -> int:
        """Seconds until this version of this record can be searched; the list endpoint shows it at once."""
        if not self.search_lag_seconds:
            return 0
        name = f"{self.seed}:{record.object_type}:{record.record_id}:{iso(record.updated_at)}"
        return int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) % (self.search_lag_seconds + 1)

    def _mentions(self, record: Record, query: str) -> bool:
        if not query:
            return True
        return any(
            query in (record.properties.get(name) or "").lower() for name in ("email", "lastname", "dealname")
        )

    def _sort(self, object_type: str, found: list[Record], sorts: list[Any]) -> list[Record]:
        if len(sorts) > 1:
            raise Refusal(400, "A maximum of 1 sort is allowed.")
        name, descending = "hs_object_id", False
        if sorts and isinstance(sorts[0], dict):
            name = str(sorts[0].get("propertyName") or "")
            descending = str(sorts[0].get("direction") or "").upper() == "DESCENDING"
        elif sorts:
            name = str(sorts[0]).lstrip("-")
            descending = str(sorts[0]).startswith("-")
        if name == "hs_object_id":
            return found[::-1] if descending else found
        self._must_know(object_type, name)
        with_value = [record for record in found if self._plain_value(record, name) is not None]
        without = [record for record in found if self._plain_value(record, name) is None]
        with_value.sort(key=lambda record: self._comparable(object_type, name, self._plain_value(record, name)),
                        reverse=descending)  # fmt: skip
        return with_value + without

    def _must_know(self, object_type: str, name: str) -> None:
        if not self._knows(object_type, name):
            raise Refusal(
                400,
                "There was a problem with the request.",
                errors=[{"message": f"Property '{name}' does not exist", "code": "PROPERTY_DOESNT_EXIST"}],
            )

    def _comparable(self, object_type: str, name: str, value: str | None) -> Any:
        kind = PROPERTIES[object_type][name].rstrip("*")
        if value is None:
            return None
        if name == "hs_object_id":
            return int(value)
        if kind == "number":
            try:
                return float(value)
            except ValueError:
                return None
        if kind == "datetime":
            return _milliseconds(parse_iso(value))
        return value.lower()

    def _filter(self, object_type: str, groups: list[dict[str, Any]]) -> Callable[[Record], bool]:
        if len(groups) > 5:
            raise Refusal(400, "A maximum of 5 filterGroups is allowed.")
        if any(len(group.get("filters") or []) > 6 for group in groups):
            raise Refusal(400, "A maximum of 6 filters per filterGroup is allowed.")
        if sum(len(group.get("filters") or []) for group in groups) > 18:
            raise Refusal(400, "A maximum of 18 filters is allowed.")
        compiled = [[self._test(object_type, one) for one in group.get("filters") or []] for group in groups]
        if not compiled:
            return lambda record: True
        return lambda record: any(all(test(record) for test in tests) for tests in compiled)

    def _test(self, object_type: str, given: dict[str, Any]) -> Callable[[Record], bool]:
        name, operator = str(given.get("propertyName") or ""), str(given.get("operator") or "")
        if operator not in OPERATORS:
            raise Refusal(
                400, f"Invalid input JSON: Cannot deserialize value of type `OperatorEnum` from '{operator}'"
            )
        if name.startswith("associations."):
            to_type = self._type(name.partition(".")[2])
            wanted = {str(one) for one in given.get("values") or [given.get("value")]}
            negative = operator in ("NEQ", "NOT_IN")
            return lambda record: (
                bool(wanted & set(self.state.linked(object_type, record.record_id, to_type))) != negative
            )
        self._must_know(object_type, name)
        read = self._reader(object_type, name)
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            wanted_there = operator == "HAS_PROPERTY"
            return lambda record: (read(record) is not None) == wanted_there
        if operator in ("IN", "NOT_IN"):
            # Values are compared as HubSpot compares them: the record's in lower case, the filter's as given.
            values = {
                self._given(object_type, name, one, keep_case=True) for one in given.get("values") or []
            }
            if operator == "IN":
                return lambda record: read(record) in values
            return lambda record: read(record) is not None and read(record) not in values
        if given.get("value") is None:
            raise Refusal(400, f"operator {operator} requires a value")
        value = self._given(object_type, name, given["value"])
        if operator == "BETWEEN":
            high = self._given(object_type, name, given.get("highValue"))
            return lambda record: (found := read(record)) is not None and value <= found <= high
        if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
            token, wanted_there = str(value).strip("*"), operator == "CONTAINS_TOKEN"
            return lambda record: (
                (found := read(record)) is not None and (token in str(found)) == wanted_there
            )
        if operator == "NEQ":
            return lambda record: (found := read(record)) is not None and found != value
        compare: Callable[[Any], bool] = {
            "EQ": lambda found: found == value,
            "LT": lambda found: found < value,
            "LTE": lambda found: found <= value,
            "GT": lambda found: found > value,
            "GTE": lambda found: found >= value,
        }[operator]
        return lambda record: (found := read(record)) is not None and compare(found)

    def _reader(self, object_type: str, name: str) -> Callable[[Record], Any]:
        if name == "hs_object_id":
            return lambda record: int(record.record_id)
        if name == MODIFIED[object_type]:
            return lambda record: _milliseconds(record.updated_at)
        return lambda record: self._comparable(object_type, name, self._plain_value(record, name))

    def _given(self, object_type: str, name: str, value: Any, *, keep_case: bool = False) -> Any:
        kind, text = PROPERTIES[object_type][name].rstrip("*"), str(value)
        try:
            if name == "hs_object_id":
                return int(text)
            if kind == "number":
                return float(text)
            if kind == "datetime":
                return int(text) if re.fullmatch(r"-?\d+", text) else _milliseconds(parse_iso(text))
        except ValueError:
            raise Refusal(400, f"{text} was not a valid {kind} for {name}.") from None
        return text if keep_case else text.lower()

    # --- associations

    def _associations_batch(self, request: Request, kind: str, to_kind: str) -> Reply:
        from_type, to_type = self._type(kind), self._type(to_kind)
        self._need(SCOPES[from_type], SCOPES[to_type])
        self._association_type(from_type, to_type)
        inputs = _inputs(_json(request), ASSOCIATION_BATCH_LIMIT, False)
        results, alone = [], []
        for given in inputs:
            one = str(given["id"])
            linked = self.state.linked(from_type, one, to_type) if one in self.state.live[from_type] else []
            if not linked:
                alone.append(one)
                continue
            start = _offset(given.get("after"))
            page = linked[start : start + ASSOCIATION_PAGE]
            row: dict[str, Any] = {"from": {"id": one}, "to": self._ends(request, from_type, to_type, page)}
            if start + len(page) < len(linked):
                row["paging"] = {"next": {"after": str(start + len(page))}}
            results.append(row)
        reply = self._batch(results)
        if alone:
            reply["numErrors"] = len(alone)
            reply["errors"] = [
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": f"No {to_type[:-1]} is associated with {from_type[:-1]} {one}.",
                    "context": {
                        "fromObjectId": [one],
                        "fromObjectType": [from_type[:-1]],
                        "toObjectType": [to_type[:-1]],
                    },
                }
                for one in alone
            ]
        return Reply(207 if alone else 200, reply)

    def _associations_of_one(self, request: Request, kind: str, record_id: str, to_kind: str) -> Reply:
        from_type, to_type = self._type(kind), self._type(to_kind)
        self._need(SCOPES[from_type], SCOPES[to_type])
        self._association_type(from_type, to_type)
        if record_id not in self.state.live[from_type]:
            raise Refusal(404, "resource not found", "OBJECT_NOT_FOUND")
        linked = self.state.linked(from_type, record_id, to_type)
        limit, start = (
            _limit(request.one("limit"), ASSOCIATION_PAGE, ASSOCIATION_PAGE),
            _offset(request.one("after")),
        )
        page = linked[start : start + limit]
        body: dict[str, Any] = {"results": self._ends(request, from_type, to_type, page)}
        if start + len(page) < len(linked):
            body["paging"] = {"next": self._next(request, str(start + len(page)))}
        return Reply(200, body)

    def _ends(self, request: Request, from_type: str, to_type: str, ids: list[str]) -> list[dict[str, Any]]:
        type_id = ASSOCIATION_TYPES[from_type, to_type]
        # Version 4 gives the id as a number, the dated ones as text, which 64-bit ids need.
        number = request.path.startswith("/crm/v4/")
        return [
            {
                "toObjectId": int(one) if number else one,
                "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": None}],
            }
            for one in ids
        ]

    def _labels(self, request: Request, kind: str, to_kind: str) -> Reply:
        type_id = self._association_type(self._type(kind), self._type(to_kind))
        return Reply(200, {"results": [{"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": None}]})

    def _association_type(self, from_type: str, to_type: str) -> int:
        try:
            return ASSOCIATION_TYPES[from_type, to_type]
        except KeyError:
            raise Refusal(400, f"No association type between {from_type} and {to_type}") from None

    # --- owners, pipelines, properties, account

    def _owners(self, request: Request) -> Reply:
        self._need(SCOPES["owners"])
        archived = request.one("archived") == "true"
        limit = _limit(request.one("limit"), 500, 100)
        owners = [
            owner
            for owner in sorted(self.state.owners.values(), key=lambda owner: int(owner.owner_id))
            if (owner.owner_id in self.state.inactive_owners) == archived
        ]
        after = request.one("after")
        start = bisect_right([int(owner.owner_id) for owner in owners], _read_after(after)) if after else 0
        page = owners[start : start + min(limit, self.max_page)]
        body: dict[str, Any] = {"results": [self._owner(owner) for owner in page]}
        if start + len(page) < len(owners):
            body["paging"] = {"next": self._next(request, _write_after(int(page[-1].owner_id)))}
        return Reply(200, body)

    def _owner_by_id(self, request: Request, record_id: str) -> Reply:
        self._need(SCOPES["owners"])
        owner = self.state.owners.get(record_id)
        archived = request.one("archived") == "true"
        if owner is None or (owner.owner_id in self.state.inactive_owners) != archived:
            raise Refusal(404, "resource not found", "OBJECT_NOT_FOUND")
        return Reply(200, self._owner(owner))

    def _owner(self, owner: Owner) -> dict[str, Any]:
        left_at = self.state.inactive_owners.get(owner.owner_id)
        user_id = int(owner.user_id) if owner.user_id else None
        shown: dict[str, Any] = {
            "id": owner.owner_id,
            "email": owner.email,
            "type": owner.kind,
            "firstName": owner.first_name,
            "lastName": owner.last_name,
            "userId": None if left_at else user_id,
            "userIdIncludingInactive": user_id,
            "createdAt": iso(owner.created_at),
            "updatedAt": iso(left_at or owner.created_at),
            "archived": left_at is not None,
        }
        return shown

    def _pipelines(self, request: Request, kind: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCOPES[object_type])
        return Reply(200, {"results": [self._pipeline()] if object_type == "deals" else []})

    def _one_pipeline(self, request: Request, kind: str, record_id: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCOPES[object_type])
        if object_type != "deals" or record_id != PIPELINE_ID:
            raise Refusal(404, "resource not found", "OBJECT_NOT_FOUND")
        return Reply(200, self._pipeline())

    def _pipeline(self) -> dict[str, Any]:
        epoch = iso(datetime.fromtimestamp(0, UTC))
        stages = [
            {
                "id": stage.stage_id,
                "label": stage.label,
                "displayOrder": stage.order,
                "metadata": {
                    "isClosed": "true" if stage.is_closed else "false",
                    "probability": stage.probability,
                },
                "createdAt": epoch,
                "updatedAt": epoch,
                "archived": False,
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            }
            for stage in STAGES
            if stage.stage_id not in self._unlisted
        ]
        return {
            "id": PIPELINE_ID,
            "label": "Verkoop",
            "displayOrder": 0,
            "stages": stages,
            "createdAt": epoch,
            "updatedAt": epoch,
            "archived": False,
        }

    def _properties(self, request: Request, kind: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCHEMA_SCOPES[object_type])
        names = [name for name in PROPERTIES[object_type] if self._knows(object_type, name)]
        return Reply(200, {"results": [_definition(name, PROPERTIES[object_type][name]) for name in names]})

    def _one_property(self, request: Request, kind: str, record_id: str) -> Reply:
        object_type = self._type(kind)
        self._need(SCHEMA_SCOPES[object_type])
        if not self._knows(object_type, record_id):
            raise Refusal(404, f"Property {record_id} does not exist", "OBJECT_NOT_FOUND")
        return Reply(200, _definition(record_id, PROPERTIES[object_type][record_id]))

    def _account(self, request: Request) -> Reply:
        offset = self.state.at.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        minutes = int(offset.total_seconds() // 60)
        sign = "+" if minutes >= 0 else "-"
        return Reply(
            200,
            {
                "portalId": 26101985,
                "accountType": "STANDARD",
                "timeZone": self.zone,
                "companyCurrency": self.currency,
                "additionalCurrencies": [],
                "utcOffset": f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
                "utcOffsetMilliseconds": minutes * 60_000,
                "uiDomain": "app-eu1.hubspot.com",
                "dataHostingLocation": "eu1",
            },
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
    return {
        "status": "error",
        "message": f"The OAuth token used to make this call expired {seconds} second(s) ago.",
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


def _is_search(request: Request) -> bool:
    return request.path.endswith("/search")


def _usual_body(code: int, request: Request) -> Any:
    if code == 429:
        return rate_limited("SECONDLY" if _is_search(request) else "TEN_SECONDLY_ROLLING")
    if code == 401:
        return unauthorized()
    messages = {423: "Resource is locked", 477: "Migration in progress", 500: "internal error"}
    return {"status": "error", "message": messages.get(code, "Service unavailable")}


def _after(request: Request, after: str) -> Request:
    """The request for the page that follows."""
    if _is_search(request):
        return replace(request, body=json.dumps({**_json(request), "after": after}).encode())
    query = {**request.query, "after": [after]}
    return Request.parse(
        request.method, f"{request.path}?{urlencode(query, doseq=True)}", request.headers, request.body
    )


def _lose(reply: Reply, count: int) -> None:
    """Let the last rows of a batch fail for a reason of the server's own."""
    body = reply.body
    lost = body["results"][-count:]
    body["results"] = body["results"][:-count]
    ids = [one["from"]["id"] if "from" in one else one["id"] for one in lost]
    body["numErrors"] = body.get("numErrors", 0) + 1
    body.setdefault("errors", []).append(
        {
            "status": "error",
            "category": "INTERNAL_ERROR",
            "message": "Something went wrong for some of the inputs.",
            "context": {"ids": ids},
        }
    )
    reply.status = 207


def _history_entry(version: Version, value: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "value": value if value is not None else "",
        "timestamp": iso(version.at),
        "sourceType": version.source_type,
    }
    if version.by is not None:
        entry["sourceId"] = f"userId:{version.by}"
        entry["updatedByUserId"] = int(version.by)
    return entry


def _definition(name: str, kind: str) -> dict[str, Any]:
    calculated, kind = kind.endswith("*"), kind.rstrip("*")
    epoch = iso(datetime.fromtimestamp(0, UTC))
    field_type = {"datetime": "date", "number": "number", "bool": "booleancheckbox", "enumeration": "select"}
    return {
        "updatedAt": epoch,
        "createdAt": epoch,
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "type": kind,
        "fieldType": field_type.get(kind, "text"),
        "description": "",
        "groupName": "information",
        "options": [],
        "displayOrder": -1,
        "calculated": calculated,
        "externalOptions": name == "hubspot_owner_id",
        "hasUniqueValue": name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": True,
        "modificationMetadata": {"archivable": True, "readOnlyDefinition": True, "readOnlyValue": calculated},
        "formField": False,
    }


def _json(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError:
        raise Refusal(400, "Invalid input JSON on line 1, column 1: Unrecognized token") from None


def _limit(given: Any, most: int, default: int = 10) -> int:
    if given is None or given == "":
        return default
    try:
        limit = int(given)
    except (TypeError, ValueError):
        raise Refusal(400, f"{given} was not a valid int for limit.") from None
    if not 0 < limit <= most:
        raise Refusal(400, f"The maximum limit is {most} and the minimum is 1. Requested: {limit}")
    return limit


def _offset(given: Any) -> int:
    if given in (None, ""):
        return 0
    try:
        return max(int(given), 0)
    except (TypeError, ValueError):
        raise Refusal(400, f"{given} was not a valid int for after.") from None


def _inputs(body: dict[str, Any], most: int, with_history: bool) -> list[dict[str, Any]]:
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


def _write_after(record_id: int) -> str:
    return base64.urlsafe_b64encode(f"{record_id}\n".encode()).decode()


def _read_after(after: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(after.encode()).decode())
    except (ValueError, binascii.Error):
        raise Refusal(400, f"Could not read the paging cursor {after}") from None


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _routes() -> tuple[tuple[re.Pattern[str], str, Callable[..., Reply]], ...]:
    dated = "(?:" + "|".join(VERSIONS) + ")"
    kind, to_kind, record_id = r"(?P<kind>[\w-]+)", r"(?P<to_kind>[\w-]+)", r"(?P<record_id>[\w-]+)"
    objects = rf"(?:/crm/v3/objects|/crm/objects/{dated})/{kind}"
    links = rf"(?:/crm/v4/associations|/crm/associations/{dated})/{kind}/{to_kind}"
    one_link = rf"(?:/crm/v4/objects|/crm/objects/{dated})/{kind}/{record_id}/associations/{to_kind}"
    owners = rf"/crm/(?:v3/owners|owners/{dated})"
    pipelines = rf"/crm/(?:v3/pipelines|pipelines/{dated})/{kind}"
    properties = rf"/crm/(?:v3/properties|properties/{dated})/{kind}"
    table: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
        (rf"{objects}/search", "POST", Account._search),
        (rf"{objects}/batch/read", "POST", Account._batch_read),
        (objects, "GET", Account._list),
        (rf"{objects}/{record_id}", "GET", Account._get),
        (rf"{links}/batch/read", "POST", Account._associations_batch),
        (rf"{links}/labels", "GET", Account._labels),
        (one_link, "GET", Account._associations_of_one),
        (owners, "GET", Account._owners),
        (rf"{owners}/{record_id}", "GET", Account._owner_by_id),
        (pipelines, "GET", Account._pipelines),
        (rf"{pipelines}/{record_id}", "GET", Account._one_pipeline),
        (properties, "GET", Account._properties),
        (rf"{properties}/{record_id}", "GET", Account._one_property),
        (rf"/account-info/(?:v3|{dated})/details", "GET", Account._account),
    )
    return tuple((re.compile(pattern), method, handle) for pattern, method, handle in table)


_ROUTES = _routes()
