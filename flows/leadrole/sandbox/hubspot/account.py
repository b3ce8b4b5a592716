"""HubSpot's dialect over the folded records: paths, shapes, limits and errors of spec/crm-apis.md section 1.

Nothing here knows of HTTP connections; `Account.answer` takes a request apart and gives status, headers and
body. Shapes follow recorded traffic where there is some.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.hubspot import reference
from leadrole.sandbox.hubspot.answers import (
    Refusal,
    expired,
    inputs_of,
    is_search,
    json_of,
    limit_of,
    milliseconds,
    missing_scopes,
    not_found,
    object_type_of,
    offset_of,
    rate_limited,
    read_after,
    unauthorized,
    wants_archived,
    write_after,
)
from leadrole.sandbox.hubspot.catalog import (
    ALWAYS,
    ASSOCIATION_BATCH_LIMIT,
    ASSOCIATION_PAGE,
    ASSOCIATION_TYPES,
    BATCH_LIMIT,
    DEFAULT_PROPERTIES,
    HISTORY_LIMIT,
    LIST_LIMIT,
    PRIMARY_TYPES,
    SCOPES,
    SEARCH_BODY_LIMIT,
    SEARCH_LIMIT,
    SINGULAR,
    TOKEN_SHAPE,
    URL_LIMIT,
    VERSIONS,
)
from leadrole.sandbox.hubspot.oauth import App, Tokens
from leadrole.sandbox.hubspot.search import Search
from leadrole.sandbox.hubspot.world import RATES, Portal, World
from leadrole.sandbox.log import History, Record, State, Version, iso, parse_iso
from leadrole.sandbox.wire import Reply, Request, is_over


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
        has_leads: bool = False,
        id_offset: int = 0,
        multi_currency: bool = True,
        rates: Sequence[tuple[str, str, str]] = RATES,
        stage_ids: Mapping[str, str] | None = None,
        history_kept: int | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        rotate_refresh_tokens: bool = False,
    ) -> None:
        self.memory = {} if memory is None else memory
        self.token = token
        self.base_url = base_url
        self.search_cap = search_cap
        self.max_page = max_page
        self.per_10_seconds = per_10_seconds
        self.search_per_second = search_per_second
        self.daily_limit = daily_limit
        self.zone = zone
        faults = faults or Faults()
        portal = Portal(
            has_leads=has_leads,
            id_offset=id_offset,
            currency=currency,
            multi_currency=multi_currency,
            rates=rates,
            stage_ids=stage_ids or {},
            history_kept=history_kept,
            faults=faults,
        )
        self.world = World(state, history or History((), state.owners.values()), portal)
        self.state = self.world.state
        self._search_index = Search(self.world, lag_seconds=search_lag_seconds, seed=seed)
        self._missing = self.world.missing_scopes
        granted = sorted({*SCOPES.values()} - self._missing)
        app = App(client_id, client_secret, refresh_token, rotate_refresh_tokens)
        self._tokens = Tokens(app, self.memory, state.at, granted)
        self._shown = {
            (fault.values["object"], fault.values["name"]): (fault.values["shown"], fault.values["every"])
            for fault in faults.of("value")
        }

    # --- the server's questions

    def limited(self, request: Request, moment: float, calls: int) -> Reply | None:
        """Refuse a call beyond one of HubSpot's limits: a day, 10 seconds, or a second of search."""
        if calls - self._before_today(calls) > self.daily_limit:
            return Reply(429, rate_limited("DAILY"))
        if is_search(request):
            recent = self.memory.setdefault("searches", deque())
            if is_over(recent, moment, 1.0, self.search_per_second):
                return Reply(429, rate_limited("SECONDLY"), is_search=True)
        elif is_over(self._recent(), moment, 10.0, self.per_10_seconds):
            return Reply(429, rate_limited("TEN_SECONDLY_ROLLING"))
        return None

    def _recent(self) -> deque[float]:
        recent: deque[float] = self.memory.setdefault("calls", deque())
        return recent

    def local_date(self) -> date:
        """Give the day it is where the account is: limits begin anew with it."""
        return self.state.at.astimezone(ZoneInfo(self.zone)).date()

    def _before_today(self, number: int) -> int:
        """Give how many calls came before today, as seen from one of today's."""
        day, before, last = self._day()
        if day != self.local_date():
            return number - 1
        # A number below the last one: the server's count was set back.
        return before if number >= last else 0

    def _day(self) -> tuple[date, int, int]:
        day: tuple[date, int, int] = self.memory.get("day", (self.local_date(), 0, 0))
        return day

    def used_today(self) -> int:
        """Give how many calls were made today before this one."""
        day, before, last = self._day()
        return last - before if day == self.local_date() else 0

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
            itself = str(json_of(request).get("after") or 0) if is_search(request) else request.one("after")
            body["paging"] = {"next": {"after": itself or write_after(0)}}
        elif fault.kind == "partial_batch" and body["results"]:
            _lose(reply, fault.values["lose"])

    def dress(self, reply: Reply, request: Request, number: int) -> None:
        """Add HubSpot's headers."""
        headers = reply.headers
        before = self._before_today(number)
        self.memory["day"] = (self.local_date(), before, number)
        reply.is_search = reply.is_search or is_search(request)
        correlation = f"{number:08x}-0000-4000-8000-{number:012x}"
        if reply.status >= 400 and isinstance(reply.body, dict):
            reply.body.setdefault("correlationId", correlation)
            if reply.body.get("errorType") == "RATE_LIMIT":
                reply.body.setdefault("requestId", f"{number:032x}")
        if reply.status in (530, 414):
            return
        headers["X-HubSpot-Correlation-Id"] = correlation
        if self._tokens.left(request.headers.get("Authorization", "").removeprefix("Bearer ")) is None:
            # An app that came by OAuth is told nothing of the day's allowance.
            headers["X-HubSpot-RateLimit-Daily"] = str(self.daily_limit)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(self.daily_limit - (number - before), 0))
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
        token_reply = self._tokens.answer(request)
        if token_reply is not None:
            return token_reply
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
        given = (header or "").removeprefix("Bearer ")
        if given == self.token:
            return None
        left = self._tokens.left(given)
        if left is None:
            return Reply(401, unauthorized())
        return Reply(401, expired(int(-left))) if left <= 0 else None

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

    def need(self, *scopes: str) -> None:
        """Refuse a call for which the key has not all scopes."""
        missing = [scope for scope in scopes if scope in self._missing]
        if missing:
            raise missing_scopes(missing)

    # --- objects

    def _list(self, request: Request, kind: str) -> Reply:
        object_type = object_type_of(kind)
        self.need(SCOPES[object_type])
        with_history = request.names("propertiesWithHistory")
        limit = limit_of(request.one("limit"), LIST_LIMIT)
        if with_history and limit > HISTORY_LIMIT and request.one("limit"):
            raise Refusal(
                400, "You can only request at most 50 objects in one request for properties with history"
            )
        if with_history:
            limit = min(limit, HISTORY_LIMIT)
        archived = wants_archived(request)
        ids, rows = self.world.rows(object_type, archived=archived)
        start = 0
        after = request.one("after")
        if after:
            start = bisect_right(ids, read_after(after))
        page = rows[start : start + min(limit, self.max_page)]
        results = [
            self._show(record, request.names("properties"), with_history, request.names("associations"))
            for record in page
        ]
        body: dict[str, Any] = {"results": results}
        if start + len(page) < len(rows) and page:
            body["paging"] = {"next": self.next(request, write_after(int(page[-1].record_id)))}
        return Reply(200, body)

    def next(self, request: Request, after: str) -> dict[str, str]:
        """Write where the next page is."""
        parameters = [
            (name, value) for name, values in request.query.items() for value in values if name != "after"
        ]
        parameters.append(("after", after))
        link = "&".join(f"{name}={quote(value, safe=',')}" for name, value in parameters)
        return {"after": after, "link": f"{self.base_url}{request.path}?{link}"}

    def _get(self, request: Request, kind: str, record_id: str) -> Reply:
        object_type = object_type_of(kind)
        self.need(SCOPES[object_type])
        rows = self._asked_rows(request, object_type)
        record = self._by_id(object_type, rows, record_id, request.one("idProperty"), follow=True)
        if record is None:
            raise not_found(context={"id": [record_id]})
        shown = self._show(
            record,
            request.names("properties"),
            request.names("propertiesWithHistory"),
            request.names("associations"),
        )
        return Reply(200, shown)

    def _asked_rows(self, request: Request, object_type: str) -> dict[str, Record]:
        is_archived = wants_archived(request)
        return self.world.archived(object_type) if is_archived else self.world.live(object_type)

    def _by_id(
        self,
        object_type: str,
        rows: dict[str, Record],
        given: str,
        id_property: str | None,
        *,
        follow: bool = False,
    ) -> Record | None:
        if id_property not in (None, "", "hs_object_id"):
            if not self.world.knows(object_type, str(id_property)):
                raise Refusal(400, f"Property {id_property} does not exist")
            wanted = given.lower()
            same = (
                one
                for one in rows.values()
                if (self.world.value(one, str(id_property)) or "").lower() == wanted
            )
            return next(same, None)
        if follow and object_type == "contacts":
            # The id of a record that was merged away still leads to the survivor.
            given = self.state.survivor(given)
        return rows.get(given)

    def _batch_read(self, request: Request, kind: str) -> Reply:
        object_type = object_type_of(kind)
        self.need(SCOPES[object_type])
        body = json_of(request)
        with_history = list(body.get("propertiesWithHistory") or [])
        inputs = inputs_of(body, HISTORY_LIMIT if with_history else BATCH_LIMIT, bool(with_history))
        rows = self._asked_rows(request, object_type)
        results, missing = [], []
        for one in dict.fromkeys(str(given["id"]) for given in inputs):
            record = self._by_id(object_type, rows, one, body.get("idProperty"))
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
        known = self.world.properties(object_type)
        if asked:
            names = [
                name for name in dict.fromkeys(asked) if name in known and name not in ALWAYS[object_type]
            ]
            names += ALWAYS[object_type]
        else:
            names = list(DEFAULT_PROPERTIES[object_type])
        shown: dict[str, Any] = {
            "id": record.record_id,
            "properties": {name: self._value(record, name) for name in sorted(names) if name in known},
            "createdAt": iso(record.created_at),
            "updatedAt": iso(record.updated_at),
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            shown["archivedAt"] = iso(record.archived_at)
        if with_history:
            shown["propertiesWithHistory"] = {
                name: [_history_entry(version, value) for version, value in self.world.history(record, name)]
                for name in with_history
                if name in known
            }
        linked = {}
        for kind in associations:
            to_type = object_type_of(kind)
            self.need(SCOPES[to_type])
            ids = self.world.linked(object_type, record.record_id, to_type)
            if ids:
                name = f"{SINGULAR[object_type]}_to_{SINGULAR[to_type]}"
                linked[to_type] = {"results": [{"id": one, "type": name} for one in ids]}
        if linked:
            shown["associations"] = linked
        return shown

    def _value(self, record: Record, name: str) -> str | None:
        value = self.world.value(record, name)
        shown = self._shown.get((record.object_type, name))
        if shown is not None and int(record.record_id) % shown[1] == 0:
            if shown[0] == "epoch_ms":
                return str(milliseconds(parse_iso(value))) if value else value
            return str(shown[0])
        return value

    # --- search

    def _search(self, request: Request, kind: str) -> Reply:
        object_type = object_type_of(kind)
        self.need(SCOPES[object_type])
        if len(request.body) > SEARCH_BODY_LIMIT:
            raise Refusal(400, f"The request body is longer than {SEARCH_BODY_LIMIT} characters")
        body = json_of(request)
        limit = limit_of(body.get("limit"), SEARCH_LIMIT)
        offset = offset_of(body.get("after"))
        if offset >= self.search_cap:
            raise Refusal(
                400, f"The maximum number of results that can be paged through is {self.search_cap}. "
                f"Requested offset: {offset}"
            )  # fmt: skip
        found = self._search_index.find(object_type, body)
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

    # --- associations

    def _associations_batch(self, request: Request, kind: str, to_kind: str) -> Reply:
        from_type, to_type = object_type_of(kind), object_type_of(to_kind)
        self.need(SCOPES[from_type], SCOPES[to_type])
        self._association_type(from_type, to_type)
        inputs = inputs_of(json_of(request), ASSOCIATION_BATCH_LIMIT, False)
        results, alone = [], []
        for given in inputs:
            one = str(given["id"])
            linked = self.world.linked(from_type, one, to_type) if one in self.world.live(from_type) else []
            if not linked:
                alone.append(one)
                continue
            start = offset_of(given.get("after"))
            page = linked[start : start + ASSOCIATION_PAGE]
            row: dict[str, Any] = {
                "from": {"id": one},
                "to": self._ends(request, from_type, one, to_type, page),
            }
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
                    "message": f"No {SINGULAR[to_type]} is associated with {SINGULAR[from_type]} {one}.",
                    "context": {
                        "fromObjectId": [one],
                        "fromObjectType": [SINGULAR[from_type]],
                        "toObjectType": [SINGULAR[to_type]],
                    },
                }
                for one in alone
            ]
        return Reply(207 if alone else 200, reply)

    def _associations_of_one(self, request: Request, kind: str, record_id: str, to_kind: str) -> Reply:
        from_type, to_type = object_type_of(kind), object_type_of(to_kind)
        self.need(SCOPES[from_type], SCOPES[to_type])
        self._association_type(from_type, to_type)
        if record_id not in self.world.live(from_type):
            raise not_found()
        linked = self.world.linked(from_type, record_id, to_type)
        limit, start = (
            limit_of(request.one("limit"), ASSOCIATION_PAGE, ASSOCIATION_PAGE),
            offset_of(request.one("after")),
        )
        page = linked[start : start + limit]
        body: dict[str, Any] = {"results": self._ends(request, from_type, record_id, to_type, page)}
        if start + len(page) < len(linked):
            body["paging"] = {"next": self.next(request, str(start + len(page)))}
        return Reply(200, body)

    def _ends(
        self, request: Request, from_type: str, from_id: str, to_type: str, ids: list[str]
    ) -> list[dict[str, Any]]:
        # Version 4 gives the id as a number, the dated ones as text, which 64-bit ids need.
        number = request.path.startswith("/crm/v4/")
        return [
            {
                "toObjectId": int(one) if number else one,
                "associationTypes": [
                    {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}
                    for type_id, label in self.world.types(from_type, from_id, to_type, one)
                ],
            }
            for one in ids
        ]

    def _labels(self, request: Request, kind: str, to_kind: str) -> Reply:
        from_type, to_type = object_type_of(kind), object_type_of(to_kind)
        self.need(SCOPES[from_type], SCOPES[to_type])
        type_id = self._association_type(from_type, to_type)
        kinds: list[tuple[int, str | None]] = [(type_id, None)]
        if (from_type, to_type) in PRIMARY_TYPES:
            kinds.append((PRIMARY_TYPES[from_type, to_type], "Primary"))
        elif {from_type, to_type} == {"leads", "contacts"}:
            kinds = [(type_id, "Primary")]
        return Reply(
            200,
            {
                "results": [
                    {"category": "HUBSPOT_DEFINED", "typeId": one, "label": label} for one, label in kinds
                ]
            },
        )

    def _association_type(self, from_type: str, to_type: str) -> int:
        try:
            return ASSOCIATION_TYPES[from_type, to_type]
        except KeyError:
            raise Refusal(400, f"No association type between {from_type} and {to_type}") from None


def _usual_body(code: int, request: Request) -> Any:
    if code == 429:
        return rate_limited("SECONDLY" if is_search(request) else "TEN_SECONDLY_ROLLING")
    if code == 401:
        return unauthorized()
    messages = {423: "Resource is locked", 477: "Migration in progress", 500: "internal error"}
    return {"status": "error", "message": messages.get(code, "Service unavailable")}


def _after(request: Request, after: str) -> Request:
    """The request for the page that follows."""
    if is_search(request):
        return replace(request, body=json.dumps({**json_of(request), "after": after}).encode())
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


def _routes() -> tuple[tuple[re.Pattern[str], str, Callable[..., Reply]], ...]:
    dated = "(?:" + "|".join(VERSIONS) + ")"
    kind, to_kind, record_id = r"(?P<kind>[\w-]+)", r"(?P<to_kind>[\w-]+)", r"(?P<record_id>[^/]+)"
    pipeline_id, stage_id = r"(?P<pipeline_id>[\w-]+)", r"(?P<stage_id>[\w-]+)"
    objects = rf"(?:/crm/v3/objects|/crm/objects/{dated})/{kind}"
    links = rf"(?:/crm/v4/associations|/crm/associations/{dated})/{kind}/{to_kind}"
    one_link = rf"(?:/crm/v4/objects|/crm/objects/{dated})/{kind}/{record_id}/associations/{to_kind}"
    owners = rf"/crm/(?:v3/owners|owners/{dated})"
    pipelines = rf"/crm/(?:v3/pipelines|pipelines/{dated})/{kind}"
    properties = rf"/crm/(?:v3/properties|properties/{dated})/{kind}"
    account = rf"/account-info/(?:v3|{dated})"
    currencies = rf"/settings/(?:v3/currencies|currencies/{dated})"
    table: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
        (rf"{objects}/search", "POST", Account._search),
        (rf"{objects}/batch/read", "POST", Account._batch_read),
        (objects, "GET", Account._list),
        (rf"{objects}/{record_id}", "GET", Account._get),
        (rf"{links}/batch/read", "POST", Account._associations_batch),
        (rf"{links}/labels", "GET", Account._labels),
        (one_link, "GET", Account._associations_of_one),
        (owners, "GET", reference.owners),
        (rf"{owners}/{record_id}", "GET", reference.owner_by_id),
        (pipelines, "GET", reference.pipelines),
        (rf"{pipelines}/{pipeline_id}", "GET", reference.one_pipeline),
        (rf"{pipelines}/{pipeline_id}/audit", "GET", reference.pipeline_audit),
        (rf"{pipelines}/{pipeline_id}/stages", "GET", reference.stages),
        (rf"{pipelines}/{pipeline_id}/stages/{stage_id}", "GET", reference.one_stage),
        (rf"{pipelines}/{pipeline_id}/stages/{stage_id}/audit", "GET", reference.stage_audit),
        (properties, "GET", reference.properties),
        (rf"{properties}/{record_id}", "GET", reference.one_property),
        (rf"{account}/details", "GET", reference.details),
        (rf"{account}/api-usage/daily/private-apps", "GET", reference.usage),
        (rf"{currencies}/company-currency", "GET", reference.company_currency),
        (rf"{currencies}/exchange-rates", "GET", reference.exchange_rates),
        (rf"{currencies}/exchange-rates/current", "GET", reference.current_rates),
    )
    return tuple((re.compile(pattern), method, handle) for pattern, method, handle in table)


_ROUTES = _routes()
