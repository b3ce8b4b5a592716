"""Pipedrive at one instant: paths of both versions, tokens, the meter, and its words for what is wrong."""

from __future__ import annotations

import base64
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import sha1
from typing import Any
from zoneinfo import ZoneInfo

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.log import History, State
from leadrole.sandbox.pipedrive.paging import (
    Refusal,
    end_here,
    failure,
    integer,
    limit_of,
    loop_here,
    moment_of,
    next_request,
    read_cursor,
    with_one,
    write_cursor,
)
from leadrole.sandbox.pipedrive.records import Change, Company, Deal, Item, Lead, Settings
from leadrole.sandbox.pipedrive.shapes import V1_TIME, V2_TIME, Shape, Shapes, number
from leadrole.sandbox.wire import Reply, Request, is_over

IDS_LIMIT = 100
RECENTS_REACH = timedelta(days=31)
BURST_SECONDS = 2.0
PLANS = {"lite": (1, 20), "growth": (2, 40), "premium": (5, 100), "ultimate": (7, 120)}
TOKENS_A_SEAT = 30_000
STATUSES = frozenset({"open", "won", "lost", "deleted"})
SORTS = {"id", "update_time", "add_time"}
OLD_LISTS = "deals|persons|organizations|activities|pipelines|stages|products|itemSearch"
EDGE_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Access denied | api.pipedrive.com used Cloudflare to restrict access"
    "</title></head><body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>\n"
)
SCOPES = {
    "deals": "deals:read",
    "leads": "leads:read",
    "persons": "contacts:read",
    "organizations": "contacts:read",
    "activities": "activities:read",
    "users": "users:read",
    "history": "recents:read",
    "base": "base",
}


def unauthorized() -> Shape:
    """Give the body for a token that is not known."""
    return {"success": False, "error": "unauthorized access", "errorCode": 401}


def cost(method: str, path: str) -> int:
    """Give the tokens a call costs, whatever its limit: 0 for what is not metered."""
    return next(
        (tokens for pattern, one, tokens, _ in _ROUTES if one == method and pattern.fullmatch(path)), 0
    )


class Account:
    """One company's Pipedrive at one instant."""

    def __init__(
        self,
        state: State,
        *,
        history: History,
        token: str,
        base_url: str,
        faults: Faults | None = None,
        memory: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.settings = Settings.of(settings)
        self.at = state.at
        self.history = history
        self.token = token
        self.base_url = base_url
        self.memory = {} if memory is None else memory
        faults = faults or Faults()
        self._removed_scopes = {fault.values["scope"] for fault in faults.of("scope_removed")}
        self._unlisted = frozenset(fault.values["stage_id"] for fault in faults.of("stage_unlisted"))
        self._removed = {(one.values["object"], one.values["name"]) for one in faults.of("property_removed")}
        self._shown = {
            (one.values["object"], one.values["name"]): (one.values["shown"], one.values["every"])
            for one in faults.of("value")
        }
        self._sorted: dict[tuple[str, str], list[Item]] = {}

    @cached_property
    def company(self) -> Company:
        """The records at this instant; kept while the clock stands still."""
        kept = self.memory.get("company")
        if not isinstance(kept, Company) or kept.at != self.at:
            kept = self.memory["company"] = Company(self.history, self.at, self.settings)
        return kept

    @cached_property
    def shapes(self) -> Shapes:
        """Writes the records."""
        return Shapes(self.company)

    # --- the server's questions

    def limited(self, request: Request, moment: float, calls: int) -> Reply | None:
        """Refuse a call: the company is shut out, more than the burst in 2 s, or the day's tokens are spent."""
        if moment < self.memory.get("shut_out_until", float("-inf")):
            return _edge()
        tokens = cost(request.method, request.path)
        if not tokens:
            return None
        if is_over(self._recent(request), moment, BURST_SECONDS, self._burst(request)):
            return self._too_many(moment, is_burst=True)
        if self.spent() + self.spent_by_others() + tokens > self.daily_tokens():
            return self._too_many(moment, is_burst=False)
        return None

    def _too_many(self, moment: float, *, is_burst: bool) -> Reply:
        refused: deque[float] = self.memory.setdefault("refused", deque())
        if is_over(refused, moment, 60.0, self.settings.hammer):
            self.memory["shut_out_until"] = moment + self.settings.shut_out_seconds
            return _edge()
        return rate_limited(is_burst=is_burst)

    def _recent(self, request: Request) -> deque[float]:
        calls: dict[str, deque[float]] = self.memory.setdefault("calls", {})
        return calls.setdefault(_credential(request) or "", deque())

    def _burst(self, request: Request) -> int:
        most = self.settings.burst or PLANS[self.settings.plan][1]
        return most * 4 if request.headers.get("Authorization") else most

    def daily_tokens(self) -> int:
        """Give what the company may spend in a day."""
        if self.settings.daily_tokens is not None:
            return self.settings.daily_tokens + self.settings.top_up
        return TOKENS_A_SEAT * PLANS[self.settings.plan][0] * self.settings.seats + self.settings.top_up

    def spent(self) -> int:
        """Give what was spent through us since the last reset."""
        return self._spent()[self._day().isoformat()]

    def spent_by_others(self) -> int:
        """Give what the company's other integrations spent since the last reset."""
        local = self.at.astimezone(ZoneInfo(self.settings.reset_zone))
        hours = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / 3600
        return self.settings.others_spent + int(self.settings.others_per_hour * hours)

    def _day(self) -> date:
        return self.at.astimezone(ZoneInfo(self.settings.reset_zone)).date()

    def _spent(self) -> Counter[str]:
        spent: Counter[str] = self.memory.setdefault("spent", Counter())
        return spent

    def fault(self, fault: Fault, request: Request) -> Reply | None:
        """Say what broke as Pipedrive says it."""
        if fault.kind == "daily_limit":
            return rate_limited(is_burst=False)
        if fault.kind == "expire_token":
            self._access().pop(_bearer(request) or "", None)
            return Reply(401, unauthorized())
        code, headers, body = fault.values["code"], dict(fault.values["headers"]), fault.values["body"]
        if body is not None:
            return Reply(code, body, headers)
        usual = _usual(code)
        usual.headers.update(headers)
        return usual

    def bend(self, fault: Fault, request: Request, reply: Reply) -> None:
        """Change a good answer into a bad one of the same shape."""
        body = reply.body
        if reply.status != 200 or not isinstance(body, dict) or not isinstance(body.get("data"), list):
            return
        if fault.kind == "empty_everything":
            body["data"] = []
            end_here(body)
        elif fault.kind == "null_results":
            if request.path.endswith("/flow"):
                reply.body = None
            else:
                body["data"] = None
        elif fault.kind == "duplicate_page":
            body["data"] = body["data"] * 2
        elif fault.kind == "omit_last_page":
            after = next_request(request, body)
            if after is not None and next_request(after, self.answer(after).body) is None:
                end_here(body)
        elif fault.kind == "loop_next" and next_request(request, body) is not None:
            self._loop(request, body)

    def _loop(self, request: Request, body: Shape) -> None:
        if "next_cursor" in body["additional_data"] or "pagination" in body["additional_data"]:
            loop_here(request, body)
        else:
            # Callers count on from `start` by themselves: every page is the first one.
            body["data"] = self.answer(with_one(request, "start", "0")).body["data"]

    def dress(self, reply: Reply, request: Request, number: int) -> None:
        """Add Pipedrive's headers: what is left of the burst, and nothing of the day."""
        if "html" in reply.headers.get("Content-Type", "") or request.path == "/oauth/token":
            return
        most = self._burst(request)
        reply.headers.setdefault("X-RateLimit-Limit", str(most))
        left = max(most - max(len(self._recent(request)), 1), 1)
        reply.headers.setdefault("X-RateLimit-Remaining", str(left))
        reply.headers.setdefault("X-RateLimit-Reset", str(int(BURST_SECONDS)))
        reply.headers["X-Correlation-Id"] = f"{number:08x}-0000-4000-8000-{number:012x}"

    # --- the door

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        if request.path == "/oauth/token" and request.method == "POST":
            return self._grant(request)
        try:
            self._authenticate(request)
            for pattern, method, tokens, handle in _ROUTES:
                match = pattern.fullmatch(request.path)
                if match and method == request.method:
                    self._spent()[self._day().isoformat()] += tokens
                    return Reply(200, handle(self, request, **match.groupdict()))
        except Refusal as refusal:
            return Reply(refusal.status, refusal.body)
        if re.fullmatch(rf"/(?:api/)?v1/(?:{OLD_LISTS})", request.path):
            return _usual(410)
        return Reply(404, failure("Unknown method ."))

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("X-Api-Token") or request.one("api_token")
        if given is not None:
            if given == self.token:
                return
        else:
            until = self._access().get(_bearer(request) or "")
            if until is not None and self.at < until:
                return
        raise _Unknown()

    def _need(self, kind: str) -> None:
        if SCOPES[kind] in self._removed_scopes:
            raise Refusal(403, "Scope and URL mismatch")

    # --- OAuth

    def _access(self) -> dict[str, datetime]:
        access: dict[str, datetime] = self.memory.setdefault("access", {})
        return access

    def _grant(self, request: Request) -> Reply:
        expected = f"{self.settings.client_id}:{self.settings.client_secret}".encode()
        header = request.headers.get("Authorization", "")
        if header != f"Basic {base64.b64encode(expected).decode()}":
            return Reply(
                401, {"success": False, "message": "Client authentication failed", "error": "invalid_client"}
            )
        form = request.form()
        refresh: str = self.memory.setdefault("refresh", self.settings.refresh_token)
        used: set[str] = self.memory.setdefault("used_codes", set())
        kind = form.get("grant_type")
        if kind == "refresh_token":
            is_good = form.get("refresh_token") == refresh
        elif kind == "authorization_code":
            is_good = form.get("code") == self.settings.code and self.settings.code not in used
            used.add(form.get("code", ""))
        else:
            return Reply(
                400,
                {"success": False, "message": "Unsupported grant type", "error": "unsupported_grant_type"},
            )
        if not is_good:
            return Reply(
                400, {"success": False, "message": "Invalid grant: it is invalid", "error": "invalid_grant"}
            )
        number = self.memory["grants"] = self.memory.get("grants", 0) + 1
        access = f"1000001:2000001:{sha1(f'access {number}'.encode(), usedforsecurity=False).hexdigest()}"
        self._access()[access] = self.at + timedelta(seconds=self.settings.access_seconds)
        if self.settings.rotate_refresh:
            # The old one is dead from here on, whether the new one is stored or not.
            refresh = (
                f"1000001:2000001:{sha1(f'refresh {number}'.encode(), usedforsecurity=False).hexdigest()}"
            )
            self.memory["refresh"] = refresh
        return Reply(
            200,
            {
                "access_token": access,
                "token_type": "bearer",
                "refresh_token": refresh,
                "scope": " ".join(sorted(set(SCOPES.values()) - self._removed_scopes)),
                "expires_in": self.settings.access_seconds,
                "api_domain": self.base_url,
            },
        )  # fmt: skip

    # --- version 2: lists

    def _deals(self, request: Request) -> Shape:
        return self._list(request, "deals", self._wants_deal(request, is_archived=False))

    def _archived_deals(self, request: Request) -> Shape:
        return self._list(request, "deals", self._wants_deal(request, is_archived=True))

    def _wants_deal(self, request: Request, *, is_archived: bool) -> Callable[[Item], bool]:
        statuses = set(request.names("status"))
        if statuses - STATUSES:
            raise Refusal(400, f"status must be one of the following values: {', '.join(sorted(STATUSES))}")
        stages, pipelines = request.one("stage_id"), request.one("pipeline_id")

        def wants(item: Item) -> bool:
            if not isinstance(item, Deal) or (item.archived_at is not None) != is_archived:
                return False
            status = item.status if item.is_live else "deleted"
            if status not in (statuses or STATUSES - {"deleted"}):
                return False
            return (stages is None or str(item.stage) == stages) and pipelines in (None, "1")

        return wants

    def _persons(self, request: Request) -> Shape:
        return self._list(request, "persons", lambda item: True)

    def _organizations(self, request: Request) -> Shape:
        return self._list(request, "organizations", lambda item: True)

    def _activities(self, request: Request) -> Shape:
        done, lead = request.one("done"), request.one("lead_id")

        def wants(item: Item) -> bool:
            is_done = getattr(item, "done_at", None) is not None
            return done in (None, str(is_done).lower()) and lead in (None, getattr(item, "lead", None))

        return self._list(request, "activities", wants)

    def _list(self, request: Request, kind: str, wants: Callable[[Item], bool]) -> Shape:
        self._need(kind)
        if request.one("filter_id"):
            raise Refusal(404, "Filter not found")
        sort = request.one("sort_by") or "id"
        sorts = SORTS | ({"due_date"} if kind == "activities" else set())
        if sort not in sorts:
            raise Refusal(400, f"sort_by must not be {sort}")
        direction = request.one("sort_direction") or "asc"
        if direction not in ("asc", "desc"):
            raise Refusal(400, "sort_direction must be one of the following values: asc, desc")
        limit = limit_of(request)
        cursor = read_cursor(request.one("cursor"))
        if cursor is not None:
            sort, direction = cursor["field"], cursor["sortDirection"]
            told = int if sort == "id" else str
            if sort not in sorts or type(cursor["id"]) is not int or type(cursor["fieldValue"]) is not told:
                raise Refusal(400, "cursor is invalid")
        tests = [wants, *self._common(request, kind)]
        rows = [item for item in self._ordered(kind, sort) if all(test(item) for test in tests)]
        if direction == "desc":
            rows.reverse()
        if cursor is not None:
            after = (cursor["fieldValue"], cursor["id"])
            rows = [
                item for item in rows
                if (self._place(item, sort) > after if direction == "asc" else self._place(item, sort) < after)
            ]  # fmt: skip
        page = rows[: min(limit, self.settings.page_cap)]
        following = None
        if len(page) < len(rows):
            value, key = self._place(page[-1], sort)
            following = write_cursor(sort, value, direction, key)
        return self._page([self._show(kind, item, request) for item in page], following)

    def _page(self, data: list[Shape], following: str | None) -> Shape:
        body: Shape = {"success": True, "data": data, "additional_data": {"next_cursor": following}}
        if following is None:
            end = self.settings.end_of_list
            if end == "no_cursor":
                body["additional_data"] = {}
            elif end == "null_data":
                body["additional_data"] = None
            elif end == "no_data":
                del body["additional_data"]
        return body

    def _ordered(self, kind: str, sort: str) -> list[Item]:
        """Give the records of a kind as lists show them, in order; deleted deals among them."""
        if (kind, sort) not in self._sorted:
            rows = list(self._listed(kind))
            rows.sort(key=lambda item: self._place(item, sort))
            self._sorted[kind, sort] = rows
        return self._sorted[kind, sort]

    def _listed(self, kind: str) -> Iterable[Item]:
        for item in self.company.all(kind).values():
            if not item.is_live:
                if kind == "deals" and self.company.shows_deleted(item):
                    yield item
                continue
            version = self.company.as_listed(item)
            if version is not None and self.company.sees(version):
                yield version

    def _place(self, item: Item, sort: str) -> tuple[Any, int]:
        if sort == "id":
            return int(item.key), int(item.key)
        if sort == "due_date":
            due: datetime = getattr(item, "due")  # noqa: B009
            return due.strftime("%Y-%m-%d"), int(item.key)
        instant = self.shapes.stamp(item) if sort == "update_time" else item.added
        return instant.strftime(V2_TIME), int(item.key)

    def _common(self, request: Request, kind: str) -> list[Callable[[Item], bool]]:
        """Give the filters that all lists know."""
        tests: list[Callable[[Item], bool]] = []
        since, until = (moment_of(request, name) for name in ("updated_since", "updated_until"))
        stamp = self.shapes.stamp
        if since is not None:
            tests.append(lambda item: stamp(item) >= since)
        if until is not None:
            tests.append(lambda item: stamp(item) < until)
        ids = request.names("ids")
        if len(ids) > IDS_LIMIT:
            raise Refusal(400, f"ids must contain no more than {IDS_LIMIT} items")
        if ids:
            wanted = set(ids)
            tests.append(lambda item: item.key in wanted)
        for name, attribute in (
            ("owner_id", "owner"),
            ("person_id", "person"),
            ("org_id", "org"),
            ("deal_id", "deal"),
        ):
            asked = request.one(name)
            if asked is not None:
                tests.append(_has(attribute, asked))
        return tests

    def _show(self, kind: str, item: Item, request: Request) -> Shape:
        shape = self.shapes.write(item)
        custom = shape.get("custom_fields")
        if custom is not None:
            wanted = request.names("custom_fields")
            if wanted:
                custom = {key: value for key, value in custom.items() if key in wanted}
            custom = {key: value for key, value in custom.items() if (kind, key) not in self._removed}
            if request.one("include_option_labels") == "true":
                custom = self.shapes.option_labels(custom)
            shape["custom_fields"] = custom
        if kind == "deals":
            for name in {"source_lead_id", "participants_count"} - set(request.names("include_fields")):
                del shape[name]
        return self._bent(kind, item, shape)

    def _bent(self, kind: str, item: Item, shape: Shape) -> Shape:
        """Put in what the faults of single values ask for."""
        for (object_type, name), (shown, every) in self._shown.items():
            if object_type == kind and sum(map(ord, item.key)) % every == 0:
                place = shape["custom_fields"] if name in shape.get("custom_fields", {}) else shape
                if name in place:
                    place[name] = shown
        return {name: value for name, value in shape.items() if (kind, name) not in self._removed}

    def _one(self, request: Request, kind: str, key: str) -> Shape:
        self._need(kind)
        item = self.company.all(kind).get(key)
        if (
            item is None
            or not self.company.sees(item)
            or not (item.is_live or self.company.shows_deleted(item))
        ):
            raise Refusal(404, f"{kind[:-1].capitalize()} not found")
        if kind == "leads":
            return {"success": True, "data": self._bent(kind, item, self.shapes.whole(item))}
        return {"success": True, "data": self._show(kind, item, request)}

    def _pipelines(self, request: Request) -> Shape:
        return self._reference_list(request, self.shapes.pipelines())

    def _stages(self, request: Request) -> Shape:
        rows = self.shapes.stages(self._unlisted)
        return self._reference_list(request, [self._bent_row("stages", row) for row in rows])

    def _reference_list(self, request: Request, rows: list[Shape]) -> Shape:
        self._need("deals")
        if request.query.keys() & {"updated_since", "updated_until"}:
            raise Refusal(400, "Parameter updated_since is not allowed")
        return self._reference_page(request, rows, "id")

    def _reference_page(self, request: Request, rows: list[Shape], key: str) -> Shape:
        cursor = read_cursor(request.one("cursor"))
        start = 0
        if cursor is not None:
            start = 1 + next((at for at, row in enumerate(rows) if row[key] == cursor["id"]), len(rows) - 1)
        page = rows[start : start + min(limit_of(request), self.settings.page_cap)]
        following = None
        if start + len(page) < len(rows):
            following = write_cursor(key, page[-1][key], "asc", page[-1][key])
        return self._page(page, following)

    def _bent_row(self, kind: str, row: Shape) -> Shape:
        for (object_type, name), (shown, every) in self._shown.items():
            if object_type == kind and name in row and sum(map(ord, str(row.get("id", "")))) % every == 0:
                row[name] = shown
        return row

    def _fields(self, request: Request, kind: str) -> Shape:
        kind = {"deal": "deals", "person": "persons", "organization": "organizations"}.get(kind, "activities")
        self._need(kind)
        removed = frozenset(name for object_type, name in self._removed if object_type == kind)
        return self._reference_page(request, self.shapes.fields(kind, removed), "field_code")

    # --- version 1: leads

    def _leads(self, request: Request) -> Shape:
        since = moment_of(request, "updated_since")
        return self._lead_page(request, is_archived=False, since=since)

    def _archived_leads(self, request: Request) -> Shape:
        # It knows no `updated_since`, and says nothing of one.
        return self._lead_page(request, is_archived=True, since=None)

    def _lead_page(self, request: Request, *, is_archived: bool, since: datetime | None) -> Shape:
        self._need("leads")
        name, _, direction = (request.one("sort") or "add_time ASC").partition(" ")
        if name not in SORTS | {"title"} or direction.upper() not in ("", "ASC", "DESC"):
            raise Refusal(400, "sort is invalid")
        tests = [
            _has(attribute, asked)
            for parameter, attribute in (
                ("owner_id", "owner"),
                ("person_id", "person"),
                ("organization_id", "org"),
            )
            if (asked := request.one(parameter)) is not None
        ]
        rows = [
            lead for lead in self._listed("leads")
            if isinstance(lead, Lead) and (lead.archived_at is not None) == is_archived
            and (since is None or lead.updated >= since) and all(test(lead) for test in tests)
        ]  # fmt: skip
        attribute = {"id": "key", "add_time": "added", "update_time": "updated"}.get(name, "title")
        rows.sort(key=lambda lead: (getattr(lead, attribute), lead.key), reverse=direction.upper() == "DESC")
        start, limit = self._window(request)
        page = rows[start : start + limit]
        more = start + len(page) < len(rows)
        return {
            "success": True,
            "data": [self._bent("leads", lead, self.shapes.whole(lead)) for lead in page],
            "additional_data": {"start": start, "limit": limit, "more_items_in_collection": more},
        }

    def _window(self, request: Request) -> tuple[int, int]:
        start = integer(request, "start", 0)
        if start < 0:
            raise Refusal(400, "start must be a non-negative integer")
        return start, min(limit_of(request), self.settings.page_cap)

    # --- version 1: what hangs on a deal

    def _deal(self, key: str) -> Deal:
        deal = self.company.deals.get(key)
        if (
            deal is None
            or not self.company.sees(deal)
            or not (deal.is_live or self.company.shows_deleted(deal))
        ):
            raise Refusal(404, "Deal not found")
        return deal

    def _flow(self, request: Request, key: str) -> Shape:
        self._need("history")
        deal, asked = self._deal(key), set(request.names("items"))
        has_all = request.one("all_changes") == "1"
        entries: list[tuple[datetime, int, Shape]] = []
        if not asked or "dealChange" in asked:
            for change in deal.changes:
                if has_all or not change.is_custom:
                    shape = self._bent_row("deal_changes", self.shapes.flow_data(change))
                    entries.append((change.at, int(change.number), {"object": "dealChange", "data": shape}))
        if not asked or "activity" in asked:
            for activity in self.company.activities.values():
                if activity.deal == key and activity.is_live:
                    shape = self.shapes.old(activity)
                    entries.append((activity.added, int(activity.key), {"object": "activity", "data": shape}))
        entries.sort(key=lambda entry: entry[:2], reverse=True)
        rows = [
            {"object": shape["object"], "timestamp": at.strftime(V1_TIME), "data": shape["data"]}
            for at, _, shape in entries
        ]
        return {**self._nested(request, rows), "related_objects": {}}

    def _nested(self, request: Request, rows: list[Shape], **more: Any) -> Shape:
        """Page with the numbers in `additional_data.pagination`, as most of version 1 does."""
        start, limit = self._window(request)
        page = rows[start : start + limit]
        pagination = {"start": start, "limit": limit, "more_items_in_collection": start + limit < len(rows)}
        if start + limit < len(rows):
            pagination["next_start"] = start + limit
        return {"success": True, "data": page, "additional_data": {**more, "pagination": pagination}}

    def _changelog(self, request: Request, key: str) -> Shape:
        self._need("deals")
        return self._changes(request, self._deal(key).changes)

    def _person_changelog(self, request: Request, key: str) -> Shape:
        self._need("persons")
        person = self.company.persons.get(key)
        if person is None or not person.is_live or not self.company.sees(person):
            raise Refusal(404, "Person not found")
        return self._changes(request, person.changes)

    def _changes(self, request: Request, changes: list[Change]) -> Shape:
        rows = sorted(changes, key=self._change_place, reverse=True)
        cursor = read_cursor(request.one("cursor"))
        if cursor is not None:
            seen = next((at for at, one in enumerate(rows) if int(one.number) == cursor["id"]), len(rows) - 1)
            rows = rows[seen + 1 :]
        page = rows[: min(limit_of(request), self.settings.page_cap)]
        following = None
        if len(page) < len(rows):
            last = page[-1]
            following = write_cursor("time", last.at.strftime(V1_TIME), "desc", int(last.number))
        return self._page([self.shapes.change(change) for change in page], following)

    def _change_place(self, change: Change) -> tuple[str, int]:
        tie = int(change.number)
        if self.settings.shuffle_ties:
            tie = int.from_bytes(
                sha1(f"{self.settings.seed}:{tie}".encode(), usedforsecurity=False).digest()[:6]
            )
        return change.at.strftime(V1_TIME), tie

    def _participants(self, request: Request, key: str) -> Shape:
        self._need("deals")
        deal = self._deal(key)
        rows = [
            {
                "id": int(deal.key) * 1000 + place,
                "deal_id": int(deal.key),
                "person_id": {"value": int(person), "name": self._name(person)},
                "add_time": since.strftime(V1_TIME),
                "active_flag": True,
                "primary": person == deal.person,
            }
            for place, (person, since) in enumerate(deal.participants)
        ]
        return self._nested(request, rows)

    def _name(self, key: str) -> str:
        person = self.company.persons[key]
        return f"{person.first_name} {person.last_name}"

    def _summary(self, request: Request, archived: str | None) -> Shape:
        self._need("deals")
        status, owner = request.one("status"), request.one("user_id")
        values: dict[str, list[float]] = {}
        for deal in self.company.deals.values():
            if (
                not deal.is_live
                or not self.company.sees(deal)
                or (deal.archived_at is None) == bool(archived)
            ):
                continue
            if status in (None, deal.status) and owner in (None, deal.owner):
                values.setdefault(deal.currency, []).append(float(deal.value or 0))
        totals = {
            currency: {
                "value": number(str(sum(found))),
                "count": len(found),
                "value_converted": number(str(sum(found))),
            }
            for currency, found in values.items()
        }
        total = number(str(sum(sum(found) for found in values.values())))
        data = {
            "values_total": totals,
            "weighted_values_total": {},
            "total_count": sum(map(len, values.values())),
            "total_currency_converted_value": total,
            "total_weighted_currency_converted_value": 0,
        }
        return {"success": True, "data": data}

    def _recents(self, request: Request) -> Shape:
        self._need("history")
        given = request.one("since_timestamp")
        try:
            since = datetime.strptime(given or "", V1_TIME).replace(tzinfo=UTC)
        except ValueError:
            raise Refusal(400, "since_timestamp is required in the format YYYY-MM-DD HH:MM:SS") from None
        # Whatever is asked for, it reaches back a month and says nothing of the rest.
        reach = max(since, self.at - RECENTS_REACH)
        asked = set(request.names("items"))
        found: list[tuple[datetime, int, Shape]] = []
        for kind in ("deals", "persons", "organizations", "activities"):
            name = kind[:-1] if kind != "activities" else "activity"
            if asked and name not in asked:
                continue
            for item in self._listed(kind):
                stamp = self.shapes.stamp(item)
                if stamp >= reach:
                    shape = {"item": name, "id": int(item.key), "data": self.shapes.old(item)}
                    found.append((stamp, int(item.key), shape))
        found.sort(key=lambda one: one[:2])
        start, limit = self._window(request)
        page = found[start : start + limit]
        last = page[-1][0].strftime(V1_TIME) if page else None
        rows = [shape for _, _, shape in found]
        return self._nested(request, rows, since_timestamp=given, last_timestamp_on_page=last)

    # --- version 1: short lists that come whole

    def _users(self, request: Request) -> Shape:
        self._need("users")
        rows = [
            self._bent_row("users", self.shapes.user(owner))
            for owner in sorted(self.company.owners.values(), key=lambda owner: int(owner.owner_id))
        ]
        return {"success": True, "data": rows, "additional_data": None}

    def _me(self, request: Request) -> Shape:
        owner = self.company.owners[self.company.admin]
        more = {
            "company_id": 7812793,
            "company_name": "Installaties",
            "company_domain": "installaties",
            "company_country": "NL",
            "company_industry": None,
            "language": {"language_code": "nl", "country_code": "NL"},
        }
        return {"success": True, "data": {**self.shapes.user(owner), **more}}

    def _lead_labels(self, request: Request) -> Shape:
        self._need("leads")
        return {"success": True, "data": self.shapes.lead_labels()}

    def _lead_sources(self, request: Request) -> Shape:
        self._need("leads")
        return {"success": True, "data": self.shapes.lead_sources()}

    def _currencies(self, request: Request) -> Shape:
        self._need("base")
        return {"success": True, "data": self.shapes.currencies()}

    def _activity_types(self, request: Request) -> Shape:
        self._need("activities")
        rows = [self._bent_row("activity_types", row) for row in self.shapes.activity_types()]
        return {"success": True, "data": rows}


class _Unknown(Refusal):
    """A caller without a token that is known."""

    def __init__(self) -> None:
        super().__init__(401, "unauthorized access")
        self.body = unauthorized()


def rate_limited(*, is_burst: bool) -> Reply:
    """Refuse for the burst (nothing left) or for the day (the burst's header still has some). No Retry-After."""
    body = failure("request over limit", "Rate limit exceeded", errorCode=429)
    return Reply(429, body, {"X-RateLimit-Remaining": "0"} if is_burst else {})


def _edge() -> Reply:
    return Reply(403, EDGE_PAGE, {"Content-Type": "text/html; charset=UTF-8"})


def _usual(code: int) -> Reply:
    if code == 429:
        return rate_limited(is_burst=True)
    if code == 401:
        return Reply(401, unauthorized())
    if code >= 520:
        return Reply(
            code, f"<html><title>{code}: A timeout occurred</title></html>\n", {"Content-Type": "text/html"}
        )
    messages = {
        402: "Payment Required: the company's account is not open",
        403: "Scope and URL mismatch",
        404: "Resource not found",
        410: "This endpoint is no longer available",
    }
    return Reply(code, failure(messages.get(code, "Internal server error"), errorCode=code))


def _credential(request: Request) -> str | None:
    return request.headers.get("X-Api-Token") or request.one("api_token") or _bearer(request)


def _bearer(request: Request) -> str | None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given if scheme == "Bearer" else None


def _has(attribute: str, asked: str) -> Callable[[Item], bool]:
    def test(item: Item) -> bool:
        if attribute == "person" and hasattr(item, "persons"):
            return asked in item.persons
        return bool(getattr(item, attribute, None) == asked)

    return test


_Handle = Callable[..., Shape]


def _routes() -> tuple[tuple[re.Pattern[str], str, int, _Handle], ...]:
    key = r"(?P<key>[\w-]+)"
    v2 = "/api/v2"
    # Some of version 1 answers under both prefixes; what has to do with leads does not.
    v1 = "(?:/api)?/v1"
    fields = "(?P<kind>deal|person|organization|activity)Fields"
    things = "(?P<kind>deals|persons|organizations|activities)"
    table: tuple[tuple[str, int, _Handle], ...] = (
        (f"{v2}/deals", 10, Account._deals),
        (f"{v2}/deals/archived", 20, Account._archived_deals),
        (f"{v2}/persons", 10, Account._persons),
        (f"{v2}/organizations", 10, Account._organizations),
        (f"{v2}/activities", 10, Account._activities),
        (f"{v2}/pipelines", 5, Account._pipelines),
        (f"{v2}/stages", 5, Account._stages),
        (f"{v2}/{fields}", 10, Account._fields),
        (f"{v2}/{things}/{key}", 1, Account._one),
        ("/v1/leads", 20, Account._leads),
        ("/v1/leads/archived", 40, Account._archived_leads),
        (f"/v1/(?P<kind>leads)/{key}", 2, Account._one),
        ("/v1/leadLabels", 10, Account._lead_labels),
        ("/v1/leadSources", 2, Account._lead_sources),
        (f"{v1}/users", 20, Account._users),
        (f"{v1}/users/me", 2, Account._me),
        (f"{v1}/currencies", 10, Account._currencies),
        (f"{v1}/activityTypes", 10, Account._activity_types),
        (f"{v1}/deals/summary(?P<archived>/archived)?", 40, Account._summary),
        (f"{v1}/deals/{key}/flow", 40, Account._flow),
        (f"{v1}/deals/{key}/changelog", 20, Account._changelog),
        (f"{v1}/deals/{key}/participants", 10, Account._participants),
        (f"{v1}/persons/{key}/changelog", 20, Account._person_changelog),
        (f"{v1}/recents", 20, Account._recents),
    )
    return tuple((re.compile(pattern), "GET", tokens, handle) for pattern, tokens, handle in table)


_ROUTES = _routes()
