"""The REST interface of an org: paths, shapes, limits and errors of spec/crm-apis.md section 2."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.log import History, State
from leadrole.sandbox.salesforce.bulk import Bulk, BulkSettings, Show, compress
from leadrole.sandbox.salesforce.ids import lengthen, make_id, number_of
from leadrole.sandbox.salesforce.records import Records
from leadrole.sandbox.salesforce.refusal import Refusal, page, usual
from leadrole.sandbox.salesforce.schema import (
    PARENTS,
    PREFIXES,
    Field,
    describe,
    object_named,
    rest_datetime,
    rest_value,
    summary,
)
from leadrole.sandbox.salesforce.soql import NO_SUCH_COLUMN, Query, QueryError, parse
from leadrole.sandbox.salesforce.tokens import Door, Tokens
from leadrole.sandbox.salesforce.world import Row, World
from leadrole.sandbox.wire import Reply, Request

OLDEST_VERSION = 31
PAGE_LIMITS = (200, 2000)
DESCRIBES_AT_ONCE = 25
SPAN_LIMIT = timedelta(days=30)
DAY = timedelta(hours=24)
DATA = frozenset(
    {"Lead", "Contact", "Account", "Opportunity", "OpportunityContactRole", "Task", "Event", *PARENTS}
)
SOAP_REFUSAL = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_OPERATION'
    "</faultcode><faultstring>INVALID_OPERATION: SOAP API login() is disabled.</faultstring><detail><sf:LoginFault>"
    "<sf:exceptionCode>INVALID_OPERATION</sf:exceptionCode><sf:exceptionMessage>SOAP API login() is disabled."
    "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
_Settings = TypeVar("_Settings", Door, BulkSettings, World)


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a query found, kept in the server's memory until all pages are read."""

    object_type: str
    names: list[str]
    rows: list[Row]
    made_at: datetime


class Org:
    """One Salesforce org at one instant.

    Further settings are those of `World` (what the records are), `Door` (who gets a token) and `BulkSettings`.
    """

    def __init__(
        self,
        state: State,
        *,
        history: History,
        token: str,
        base_url: str,
        memory: dict[str, Any] | None = None,
        faults: Faults | None = None,
        version: str = "67.0",
        max_page: int = 2000,
        cursor_days: float = 2,
        daily_allowance: int = 100_000,
        used_before: int = 0,
        view_all_data: bool = True,
        timeout_seconds: float | None = None,
        uri_limit: int = 16_384,
        compresses: bool = True,
        **settings: Any,
    ) -> None:
        self.at = state.at.astimezone(UTC)
        self.token = token
        self.base_url = base_url
        self.memory = {} if memory is None else memory
        self.version = version
        self.max_page = max_page
        self.cursor_life = timedelta(days=cursor_days)
        self.daily_allowance = daily_allowance
        self.used_before = used_before
        self.view_all_data = view_all_data
        self.timeout_seconds = timeout_seconds
        self.uri_limit = uri_limit
        self.compresses = compresses
        door, bulk, world = _pick(Door, settings), _pick(BulkSettings, settings), _pick(World, settings)
        if settings:
            raise TypeError(f"the Salesforce sandbox has no setting {', '.join(settings)}")
        self.world = self._with_faults(world, faults or Faults())
        self.records = self._records(history)
        self.tokens = Tokens(door, at=self.at, base_url=base_url, memory=self.memory)
        self.bulk = Bulk(
            bulk,
            at=self.at,
            memory=self.memory,
            parse=self._parse_for_bulk,
            select=self._select,
            show=self._show,
        )
        self._fields: dict[str, dict[str, Field]] = {}

    def _records(self, history: History) -> Records:
        """Fold the events once for an instant, however often the faults change."""
        held: Records | None = self.memory.get("records")
        if held is None or (held.at, held.world) != (self.at, self.world):
            held = self.memory["records"] = Records(history, self.at, self.world)
        return held

    def _with_faults(self, world: World, faults: Faults) -> World:
        removed = [(fault.values["object"], fault.values["name"]) for fault in faults.of("property_removed")]
        unlisted = [fault.values["stage_id"] for fault in faults.of("stage_unlisted")]
        renamed = [fault.values for fault in faults.of("stage_renamed")]
        labels = {one["stage_id"]: one["label"] for one in renamed if one["label"] is not None}
        orders = {one["stage_id"]: one["order"] for one in renamed if one["order"] is not None}
        scopes = {str(fault.values["scope"]).lower() for fault in faults.of("scope_removed")}
        self._has_api = "api" not in scopes
        self.view_all_data = self.view_all_data and "view_all_data" not in scopes
        self._hidden = {object_named(scope) for scope in scopes}
        self._shown: dict[tuple[str | None, str], tuple[str, int]] = {
            (object_named(fault.values["object"]), fault.values["name"]): (
                fault.values["shown"],
                fault.values["every"],
            )
            for fault in faults.of("value")
        }
        return replace(
            world,
            removed_fields=[*world.removed_fields, *removed],
            unlisted_stages=[*world.unlisted_stages, *unlisted],
            stage_labels={**world.stage_labels, **labels},
            stage_orders={**world.stage_orders, **orders},
        )

    # --- the server's questions

    def limited(self, request: Request, moment: float, calls: int) -> Reply | None:
        """Refuse a call beyond the day's allowance; nothing says when to come back."""
        # The allowance goes by the org's clock, and by what the org has counted.
        del moment, calls
        if _counts(request) and self._used() >= self.daily_allowance:
            return Refusal(403).reply
        return None

    def fault(self, fault: Fault, request: Request) -> Reply | None:
        """Say what broke as Salesforce says it."""
        if fault.kind == "daily_limit":
            return Refusal(403).reply if _counts(request) else None
        if fault.kind == "expire_token":
            return self._end_sessions(request)
        code, headers, body = fault.values["code"], dict(fault.values["headers"]), fault.values["body"]
        return usual(code, headers) if body is None else Reply(code, body, headers)

    def _end_sessions(self, request: Request) -> Reply | None:
        """Refuse whoever came in before the sessions ended; a new login is let in."""
        if not _counts(request):
            return None
        if not self.memory.get("sessions_ended"):
            self.memory["sessions_ended"] = True
            self.tokens.kill(self.token)
        return None if self.tokens.knows(_bearer(request), self.token) else Refusal(401).reply

    def bend(self, fault: Fault, request: Request, reply: Reply) -> None:
        """Change a good answer into a bad one of the same shape."""
        if reply.status != 200:
            return
        if "Sforce-Locator" in reply.headers:
            self._bend_csv(fault, request, reply)
        elif isinstance(reply.body, dict) and "records" in reply.body and "totalSize" in reply.body:
            self._bend_page(fault, request, reply.body)
        elif isinstance(reply.body, dict) and fault.kind == "partial_batch" and "hasErrors" in reply.body:
            reply.body["hasErrors"] = True
            for result in reply.body["results"][-fault.values["lose"] :]:
                result.update(statusCode=503, result=Refusal(503).reply.body)

    def _bend_page(self, fault: Fault, request: Request, body: dict[str, Any]) -> None:
        following = body.get("nextRecordsUrl")
        if fault.kind == "empty_everything":
            body.update(totalSize=0, done=True, records=[])
            body.pop("nextRecordsUrl", None)
        elif fault.kind == "null_results":
            body["records"] = None
        elif fault.kind == "duplicate_page":
            body["records"] = body["records"] * 2
        elif fault.kind == "omit_last_page" and following:
            if "nextRecordsUrl" not in self.answer(self._at_path(request, following)).body:
                del body["nextRecordsUrl"]
                body["done"] = True
        elif fault.kind == "next_points_to" and following:
            body["nextRecordsUrl"] = fault.values["url"]
        elif fault.kind == "loop_next" and following:
            body["nextRecordsUrl"] = following if "-" not in request.path else request.path

    def _bend_csv(self, fault: Fault, request: Request, reply: Reply) -> None:
        header, _, rows = reply.body.partition("\n")
        following = reply.headers["Sforce-Locator"]
        if fault.kind == "empty_everything":
            reply.body = f"{header}\n"
            reply.headers.update({"Sforce-Locator": "null", "Sforce-NumberOfRecords": "0"})
        elif fault.kind == "duplicate_page":
            reply.body = f"{header}\n{rows}{rows}"
        elif fault.kind == "omit_last_page" and following != "null":
            query = urlencode(
                {**{name: values[-1] for name, values in request.query.items()}, "locator": following}
            )
            after = self.answer(self._at_path(request, f"{request.path}?{query}"))
            if after.headers["Sforce-Locator"] == "null":
                reply.headers["Sforce-Locator"] = "null"
        elif fault.kind == "loop_next" and following != "null":
            reply.headers["Sforce-Locator"] = request.one("locator") or following

    def _at_path(self, request: Request, target: str) -> Request:
        return Request.parse("GET", target, request.headers, b"")

    def dress(self, reply: Reply, request: Request, number: int) -> None:
        """Add Salesforce's headers; every call counts, the refused ones too."""
        headers = reply.headers
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if "html" in headers.get("Content-Type", ""):
            return
        headers.setdefault("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private")
        if headers.get("Content-Type", "").startswith("application/json"):
            headers["Content-Type"] = "application/json;charset=UTF-8"
        if _counts(request):
            self._usage().append(self.at)
            headers["Sforce-Limit-Info"] = f"api-usage={self._used()}/{self.daily_allowance}"
        asked = request.headers.get("Accept-Encoding", "")
        if (
            self.compresses
            and "gzip" in asked
            and "Sforce-Locator" in headers
            and isinstance(reply.body, str)
        ):
            compress(reply)

    def _usage(self) -> deque[datetime]:
        usage: deque[datetime] = self.memory.setdefault("usage", deque())
        while usage and usage[0] <= self.at - DAY:
            usage.popleft()
        return usage

    def _used(self) -> int:
        return self.used_before + len(self._usage())

    # --- the door

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        if len(request.target.encode()) > self.uri_limit:
            return Reply(414, "<h1>URI Too Long</h1>\n", {"Content-Type": "text/html;charset=iso-8859-1"})
        try:
            return self._route(request)
        except Refusal as refusal:
            return refusal.reply
        except QueryError as error:
            return Refusal(400, error.code, str(error)).reply

    def _route(self, request: Request) -> Reply:
        path = request.path
        if path == "/services/oauth2/token":
            return self.tokens.answer(request) if request.method == "POST" else page(404)
        if path.startswith("/services/Soap/"):
            return Reply(500, SOAP_REFUSAL, {"Content-Type": "text/xml;charset=UTF-8"})
        if path == "/services/data":
            return Reply(200, self._versions())
        if not path.startswith("/services/data/"):
            return page(404)
        if not self.tokens.knows(_bearer(request), self.token):
            raise Refusal(401)
        if not self._has_api:
            raise Refusal(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")
        match = re.fullmatch(r"/services/data/v(\d+\.0)(/.*)?", path)
        if match is None or float(match[1]) > float(self.version):
            raise Refusal(404)
        if float(match[1]) < OLDEST_VERSION:
            raise Refusal(
                410, "UNSUPPORTED_API_VERSION", "The requested API version has been retired or deprecated"
            )
        return self._resource(request, match[1], match[2] or "")

    def _resource(self, request: Request, version: str, path: str) -> Reply:
        methods = set()
        for pattern, method, handle in _ROUTES:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return handle(self, request, version, **match.groupdict())
            if match:
                methods.add(method)
        if methods:
            allowed = ",".join(sorted(methods))
            message = f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}"
            raise Refusal(405, "METHOD_NOT_ALLOWED", message)
        raise Refusal(404)

    def _versions(self) -> list[dict[str, str]]:
        newest, seasons = int(float(self.version)), ("Spring", "Summer", "Winter")
        listed = []
        for number in range(OLDEST_VERSION, newest + 1):
            # 31.0 was Summer '14; three a year, and Winter bears the next year's number.
            index = number - OLDEST_VERSION + 1
            season, year = seasons[index % 3], 14 + index // 3 + (index % 3 == 2)
            listed.append(
                {"label": f"{season} '{year}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            )
        return listed

    def _root(self, request: Request, version: str) -> Reply:
        base = f"/services/data/v{version}"
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
        return Reply(200, {name: f"{base}/{name}" for name in names})

    # --- objects

    def _known(self, object_type: str) -> Mapping[str, Field] | None:
        if object_type in self._hidden or not self.world.has(object_type):
            return None
        if object_type not in self._fields:
            self._fields[object_type] = self.world.fields_of(object_type)
        return self._fields[object_type]

    def _object(self, name: str) -> tuple[str, Mapping[str, Field]]:
        object_type = next((one for one in PREFIXES if one.lower() == name.lower()), None)
        known = self._known(object_type) if object_type else None
        if object_type is None or known is None:
            raise Refusal(404)
        return object_type, known

    def _sobjects(self, request: Request, version: str) -> Reply:
        listed = [summary(one, version) for one in PREFIXES if self._known(one) is not None]
        return Reply(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    def _sobject(self, request: Request, version: str, name: str) -> Reply:
        object_type, _ = self._object(name)
        return Reply(200, {"objectDescribe": summary(object_type, version), "recentItems": []})

    def _describe(self, request: Request, version: str, name: str) -> Reply:
        object_type, known = self._object(name)
        return Reply(200, describe(object_type, known, version, self.base_url))

    def _record(self, request: Request, version: str, name: str, record_id: str) -> Reply:
        object_type, known = self._object(name)
        full_id = lengthen(record_id) if len(record_id) == 15 else record_id
        row = self.records.by_id(object_type).get(full_id)
        if row is None:
            raise Refusal(404)
        if row["IsDeleted"]:
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted")
        names = list(known)
        asked = request.names("fields")
        if asked:
            by_name = {one.lower(): one for one in known}
            unknown = next((one for one in asked if one.lower() not in by_name), None)
            if unknown:
                raise Refusal(400, "INVALID_FIELD", NO_SUCH_COLUMN.format(unknown, object_type))
            names = [by_name[one.lower()] for one in asked]
        shown = self._written(object_type, names, version)(row)
        changed = format_datetime(row.get("LastModifiedDate") or row["CreatedDate"], usegmt=True)
        return Reply(200, shown, {"Last-Modified": changed})

    def _deleted(self, request: Request, version: str, name: str) -> Reply:
        object_type, _ = self._object(name)
        start, end = self._span(request, object_type)
        listed = [
            {"deletedDate": rest_datetime(when), "id": record_id}
            for record_id, when in self.records.deleted(object_type)
            if start <= when < end
        ]
        return Reply(200, {
            "deletedRecords": listed, "earliestDateAvailable": rest_datetime(self.at - SPAN_LIMIT),
            "latestDateCovered": rest_datetime(min(end, self.at)),
        })  # fmt: skip

    def _updated(self, request: Request, version: str, name: str) -> Reply:
        object_type, _ = self._object(name)
        start, end = self._span(request, object_type)
        ids = [
            row["Id"]
            for row in self.records.rows(object_type)
            if start <= row["SystemModstamp"] < end and not row["IsDeleted"]
        ]
        return Reply(200, {"ids": ids, "latestDateCovered": rest_datetime(min(end, self.at))})

    def _span(self, request: Request, object_type: str) -> tuple[datetime, datetime]:
        if object_type in PARENTS:
            raise Refusal(400, "INVALID_TYPE", f"object type '{object_type}' is not replicable")
        try:
            start, end = (
                datetime.fromisoformat(request.one(name) or "").astimezone(UTC) for name in ("start", "end")
            )
        except ValueError:
            raise Refusal(
                400, "MALFORMED_QUERY", "start and end must be dates with a time and a zone"
            ) from None
        if start >= end:
            raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate must chronologically precede endDate")
        if start < self.at - SPAN_LIMIT or end - start > SPAN_LIMIT:
            raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        return start, end

    def _show(self, object_type: str) -> Show:
        """How values of an object are shown: as they are, but for a fault that shows another."""
        shown = {name: other for (where, name), other in self._shown.items() if where == object_type}
        if not shown:
            return lambda row, name: row.get(name)

        def show(row: Row, name: str) -> Any:
            if name in shown and number_of(row["Id"], shown[name][1]) == 0:
                return shown[name][0]
            return row.get(name)

        return show

    def _written(self, object_type: str, names: list[str], version: str) -> Callable[[Row], dict[str, Any]]:
        show, base = self._show(object_type), f"/services/data/v{version}/sobjects/{object_type}/"

        def write(row: Row) -> dict[str, Any]:
            attributes = {"type": object_type, "url": base + row["Id"]}
            return {"attributes": attributes, **{name: rest_value(show(row, name)) for name in names}}

        return write

    # --- queries

    def _parse(self, soql: str) -> Query:
        return parse(
            soql, self._known, lambda name: next((o for o in PREFIXES if o.lower() == name.lower()), None)
        )

    def _parse_for_bulk(self, soql: str) -> Query:
        query = self._parse(soql)
        if self._is_too_large(query):
            raise Refusal(
                400,
                "API_ERROR",
                f"Implementation restriction: {query.object_type} only allows security evaluation for non-admin users "
                "when LIMIT is specified and at most 1000 rows are asked for",
            )
        return query

    def _select(self, query: Query, with_hidden: bool) -> list[Row]:
        rows = self.records.rows(query.object_type)
        if not with_hidden:
            rows = [row for row in rows if not row["IsDeleted"] and not row.get("IsArchived")]
        return query.run(rows)

    def _is_too_large(self, query: Query) -> bool:
        return query.object_type in ("Task", "Event") and not self.view_all_data and not query.has_id

    def _query(self, request: Request, version: str) -> Reply:
        return self._run(request, version, with_hidden=False)

    def _query_all(self, request: Request, version: str) -> Reply:
        return self._run(request, version, with_hidden=True)

    def _run(self, request: Request, version: str, *, with_hidden: bool) -> Reply:
        soql = request.one("q")
        if not soql:
            raise Refusal(400, "MALFORMED_QUERY", "A query string has to be specified")
        query = self._parse(soql)
        if self._is_too_large(query):
            raise Refusal(400, "OPERATION_TOO_LARGE", "exceeded 100000 distinct who/what's")
        self._refuse_wide(query)
        rows = self._select(query, with_hidden)
        if query.count == "":
            return Reply(200, {"totalSize": len(rows), "done": True, "records": []})
        if query.count is not None:
            filled = sum(row.get(query.names[0]) is not None for row in rows)
            record = {"attributes": {"type": "AggregateResult"}, query.count: filled}
            return Reply(200, {"totalSize": 1, "done": True, "records": [record]})
        locator = make_id("01g", len(self._cursors()) + 1)
        cursor = Cursor(query.object_type, query.names, rows, self.at)
        return self._page(request, version, locator, cursor, 0)

    def _refuse_wide(self, query: Query) -> None:
        """A window too wide takes too long; looking up ids and counting never does."""
        if (
            self.timeout_seconds is None
            or query.count is not None
            or query.has_id
            or query.object_type not in DATA
        ):
            return
        since, until = query.since, query.until or self.at
        if since is None or (until - since).total_seconds() > self.timeout_seconds:
            raise Refusal(400, "QUERY_TIMEOUT", "Your query request was running for too long.")

    def _cursors(self) -> dict[str, Cursor]:
        cursors: dict[str, Cursor] = self.memory.setdefault("cursors", {})
        return cursors

    def _more(self, request: Request, version: str, locator: str, start: str) -> Reply:
        cursor = self._cursors().get(locator)
        if cursor is None or self.at >= cursor.made_at + self.cursor_life or int(start) > len(cursor.rows):
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, version, locator, cursor, int(start))

    def _page(self, request: Request, version: str, locator: str, cursor: Cursor, start: int) -> Reply:
        rows = cursor.rows[start : start + self._page_size(request)]
        end = start + len(rows)
        body: dict[str, Any] = {"totalSize": len(cursor.rows), "done": end >= len(cursor.rows)}
        if end < len(cursor.rows):
            self._cursors()[locator] = cursor
            body["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{end}"
        write = self._written(cursor.object_type, cursor.names, version)
        body["records"] = [write(row) for row in rows]
        return Reply(200, body)

    def _page_size(self, request: Request) -> int:
        """The hint, within the vendor's limits; the vendor is free to give less."""
        match = re.search(r"batchSize=(\d+)", request.headers.get("Sforce-Query-Options", ""))
        least, most = PAGE_LIMITS
        asked = min(max(int(match[1]), least), most) if match else most
        return max(1, min(asked, self.max_page))

    # --- the rest

    def _limits(self, request: Request, version: str) -> Reply:
        def limit(most: int, used: int) -> dict[str, int]:
            return {"Max": most, "Remaining": max(most - used, 0)}

        recent = sum(job.made_at > self.at - DAY for job in self.bulk.jobs.values())
        return Reply(200, {
            "DailyApiRequests": limit(self.daily_allowance, self._used()),
            "DailyAsyncApexExecutions": limit(250_000, 0),
            "DailyBulkApiBatches": limit(15_000, 0),
            "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
            "DailyBulkV2QueryJobs": limit(10_000, recent),
            "DataStorageMB": limit(10_240, 512),
        })  # fmt: skip

    def _batch(self, request: Request, version: str) -> Reply:
        try:
            asked = request.json()["batchRequests"]
            parts = [(str(one["method"]), str(one["url"])) for one in asked]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, "JSON_PARSER_ERROR", "The batchRequests are missing or malformed") from None
        if len(parts) > DESCRIBES_AT_ONCE:
            message = f"Limit exceeded: at most {DESCRIBES_AT_ONCE} subrequests are allowed"
            raise Refusal(400, "LIMIT_EXCEEDED", message)
        results = []
        for method, url in parts:
            target = "/services/data/" + url.removeprefix("/services/data/").lstrip("/")
            reply = self.answer(Request.parse(method, target, request.headers, b""))
            results.append({"statusCode": reply.status, "result": reply.body})
        return Reply(200, {"hasErrors": any(one["statusCode"] >= 400 for one in results), "results": results})

    def _create_job(self, request: Request, version: str) -> Reply:
        return self.bulk.create(request, version)

    def _jobs(self, request: Request, version: str) -> Reply:
        return self.bulk.all(version)

    def _job(self, request: Request, version: str, job_id: str) -> Reply:
        return self.bulk.get(job_id, version)

    def _abort_job(self, request: Request, version: str, job_id: str) -> Reply:
        return self.bulk.abort(job_id, request, version)

    def _delete_job(self, request: Request, version: str, job_id: str) -> Reply:
        return self.bulk.delete(job_id)

    def _results(self, request: Request, version: str, job_id: str) -> Reply:
        return self.bulk.results(job_id, request)

    def _result_pages(self, request: Request, version: str, job_id: str) -> Reply:
        return self.bulk.result_pages(job_id, request)


def _pick(kind: type[_Settings], settings: dict[str, Any]) -> _Settings:
    """Take out of the settings those of one kind."""
    names = [one.name for one in fields(kind) if one.name in settings]
    return kind(**{name: settings.pop(name) for name in names})


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme in ("Bearer", "OAuth") else ""


def _counts(request: Request) -> bool:
    """Whether a call is one of the API, which the allowance counts."""
    return request.path.startswith("/services/data/")


def _routes() -> tuple[tuple[re.Pattern[str], str, Callable[..., Reply]], ...]:
    name, record_id = r"(?P<name>\w+)", r"(?P<record_id>[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?)"
    job_id = r"(?P<job_id>[A-Za-z0-9]{15,18})"
    table: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
        ("", "GET", Org._root),
        ("/query", "GET", Org._query),
        ("/queryAll", "GET", Org._query_all),
        (r"/query(?:All)?/(?P<locator>[A-Za-z0-9]{15,18})-(?P<start>\d+)", "GET", Org._more),
        ("/limits", "GET", Org._limits),
        ("/sobjects", "GET", Org._sobjects),
        (rf"/sobjects/{name}", "GET", Org._sobject),
        (rf"/sobjects/{name}/describe", "GET", Org._describe),
        (rf"/sobjects/{name}/deleted", "GET", Org._deleted),
        (rf"/sobjects/{name}/updated", "GET", Org._updated),
        (rf"/sobjects/{name}/{record_id}", "GET", Org._record),
        ("/composite/batch", "POST", Org._batch),
        ("/jobs/query", "POST", Org._create_job),
        ("/jobs/query", "GET", Org._jobs),
        (rf"/jobs/query/{job_id}", "GET", Org._job),
        (rf"/jobs/query/{job_id}", "PATCH", Org._abort_job),
        (rf"/jobs/query/{job_id}", "DELETE", Org._delete_job),
        (rf"/jobs/query/{job_id}/results", "GET", Org._results),
        (rf"/jobs/query/{job_id}/resultPages", "GET", Org._result_pages),
    )
    return tuple((re.compile(pattern), method, handle) for pattern, method, handle in table)


_ROUTES = _routes()
