"""Bulk API 2.0 query jobs: they take their time, and give their rows as CSV in pages with a locator."""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from leadrole.sandbox.salesforce.ids import AUTOMATED_ID, make_id
from leadrole.sandbox.salesforce.refusal import Refusal
from leadrole.sandbox.salesforce.schema import NOT_IN_BULK, csv_value, rest_datetime
from leadrole.sandbox.salesforce.soql import Query
from leadrole.sandbox.wire import Reply, Request

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
RESULTS_KEPT = timedelta(days=7)
PAGES_AT_ONCE = 5
SOQL_LIMIT = 100_000
FINISHED = ("JobComplete", "Failed", "Aborted")


@dataclass(frozen=True)
class BulkSettings:
    """How an org's query jobs behave."""

    bulk: bool = True
    bulk_polls: int = 1  # polls that still say InProgress
    bulk_page: int = 50_000
    bulk_failing: Collection[str] = ()  # objects whose jobs fail


@dataclass(slots=True)
class Job:
    """A query job in the server's memory."""

    job_id: str
    operation: str
    soql: str
    object_type: str
    delimiter: str
    line_ending: str
    made_at: datetime
    state: str = "UploadComplete"
    changed_at: datetime | None = None
    polls: int = 0
    error: str | None = None
    names: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)


Select = Callable[[Query, bool], list[dict[str, Any]]]
Show = Callable[[dict[str, Any], str], Any]


class Bulk:
    """The jobs of one org at one instant."""

    def __init__(
        self,
        settings: BulkSettings,
        *,
        at: datetime,
        memory: dict[str, Any],
        parse: Callable[[str], Query],
        select: Select,
        show: Callable[[str], Show],
    ) -> None:
        self.settings = settings
        self.at = at
        self.jobs: dict[str, Job] = memory.setdefault("jobs", {})
        self._numbers: Iterator[int] = memory.setdefault("job_numbers", count(1))
        self._parse = parse
        self._select = select
        self._show = show

    def create(self, request: Request, version: str) -> Reply:
        """Make a job, or say why there can be none."""
        if not self.settings.bulk:
            raise Refusal(400, "FEATURENOTENABLED", "Async API not enabled")
        try:
            body = request.json()
        except ValueError:
            raise Refusal(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from None
        operation, soql = body.get("operation"), body.get("query")
        delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
        if operation not in ("query", "queryAll") or not isinstance(soql, str):
            raise Refusal(400, "INVALIDJOB", "Unable to find operation or query")
        if (
            body.get("contentType", "CSV") != "CSV"
            or delimiter not in DELIMITERS
            or ending not in LINE_ENDINGS
        ):
            raise Refusal(400, "INVALIDJOB", "Invalid contentType, columnDelimiter or lineEnding")
        if len(soql) > SOQL_LIMIT:
            raise Refusal(400, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
        query = self._parse(soql)
        self._refuse(query)
        job_id = make_id("750", next(self._numbers))
        job = Job(job_id, operation, soql, query.object_type, delimiter, ending, self.at)
        job.names = query.names
        self.jobs[job_id] = job
        return Reply(200, self._shown(job, version))

    def _refuse(self, query: Query) -> None:
        if query.object_type in NOT_IN_BULK:
            raise Refusal(
                400, "INVALIDENTITY", f"Entity '{query.object_type}' is not supported by the Bulk API."
            )
        if query.count is not None:
            raise Refusal(
                400, "FUNCTIONALITY_NOT_ENABLED", "Aggregate Relationships not supported in Bulk V2 Query"
            )
        if any(column.is_compound for column in query.columns):
            raise Refusal(
                400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query"
            )

    def get(self, job_id: str, version: str) -> Reply:
        """Say how a job is doing; every question brings it on."""
        job = self._find(job_id)
        self._advance(job)
        return Reply(200, self._shown(job, version))

    def all(self, version: str) -> Reply:
        """List the jobs, newest first."""
        records = [self._shown(job, version) for job in reversed(self.jobs.values())]
        return Reply(200, {"done": True, "nextRecordsUrl": None, "records": records})

    def abort(self, job_id: str, request: Request, version: str) -> Reply:
        """Abort a job that is not finished."""
        job = self._find(job_id)
        if request.json().get("state") != "Aborted":
            raise Refusal(400, "INVALIDJOBSTATE", "Invalid job state")
        if job.state in FINISHED:
            raise Refusal(400, "INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
        job.state, job.changed_at = "Aborted", self.at
        return Reply(200, self._shown(job, version))

    def delete(self, job_id: str) -> Reply:
        """Forget a finished job and its results."""
        job = self._find(job_id)
        if job.state not in FINISHED:
            raise Refusal(400, "INVALIDJOBSTATE", "Deleting a job that is not finished is not allowed")
        del self.jobs[job_id]
        return Reply(204, "")

    def results(self, job_id: str, request: Request) -> Reply:
        """Give a page of the results, with a header row of its own."""
        job = self._complete(job_id)
        start = _read_locator(request.one("locator"))
        size = min(_size(request.one("maxRecords"), self.settings.bulk_page), self.settings.bulk_page)
        rows = job.rows[start : start + size]
        is_last = start + len(rows) >= len(job.rows)
        reply = Reply(200, self._csv(job, rows), {
            "Content-Type": "text/csv",
            "Sforce-Locator": "null" if is_last else _locator(start + len(rows)),
            "Sforce-NumberOfRecords": str(len(rows)),
        })  # fmt: skip
        return reply

    def result_pages(self, job_id: str, request: Request) -> Reply:
        """Give the addresses of up to five pages at once."""
        job = self._complete(job_id)
        start = _read_locator(request.one("locator"))
        size = self.settings.bulk_page
        starts = list(range(start, max(len(job.rows), 1), size))
        links = []
        for one in starts[:PAGES_AT_ONCE]:
            locator = f"locator={_locator(one)}&" if one else ""
            links.append({"resultLink": f"{request.path.removesuffix('Pages')}s?{locator}maxRecords={size}"})
        body: dict[str, Any] = {"resultPages": links, "done": len(starts) <= PAGES_AT_ONCE}
        if not body["done"]:
            body["nextRecordsUrl"] = f"{request.path}?locator={_locator(starts[PAGES_AT_ONCE])}"
        return Reply(200, body)

    def _find(self, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        if job is None or self.at >= job.made_at + RESULTS_KEPT:
            raise Refusal(404)
        return job

    def _complete(self, job_id: str) -> Job:
        job = self._find(job_id)
        if job.state != "JobComplete":
            raise Refusal(400, "INVALIDJOBSTATE", f"Job is in state {job.state}, it has no results")
        return job

    def _advance(self, job: Job) -> None:
        if job.state in FINISHED:
            return
        job.polls += 1
        job.state = "InProgress"
        if job.polls <= self.settings.bulk_polls:
            return
        job.changed_at = self.at
        if job.object_type in self.settings.bulk_failing:
            job.state, job.error = "Failed", "InternalServerError : Retried more than fifteen times"
            return
        job.rows = self._select(self._parse(job.soql), job.operation == "queryAll")
        job.state = "JobComplete"

    def _shown(self, job: Job, version: str) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": job.job_id, "operation": job.operation, "object": job.object_type, "createdById": AUTOMATED_ID,
            "createdDate": rest_datetime(job.made_at),
            "systemModstamp": rest_datetime(job.changed_at or job.made_at), "state": job.state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(version),
            "lineEnding": job.line_ending, "columnDelimiter": job.delimiter,
        }  # fmt: skip
        if job.polls:
            is_complete = job.state == "JobComplete"
            shown["numberRecordsProcessed"] = len(job.rows) if is_complete else 0
            shown["retries"] = 15 if job.error else 0
            shown["totalProcessingTime"] = 400 * job.polls if is_complete else 0
            shown["isPkChunkingSupported"] = True
        if job.error:
            shown["errorMessage"] = job.error
        return shown

    def _csv(self, job: Job, rows: list[dict[str, Any]]) -> str:
        show = self._show(job.object_type)
        written = io.StringIO()
        writer = csv.writer(
            written,
            delimiter=DELIMITERS[job.delimiter],
            lineterminator=LINE_ENDINGS[job.line_ending],
            quoting=csv.QUOTE_ALL,
        )
        writer.writerow(job.names)
        writer.writerows([csv_value(show(row, name)) for name in job.names] for row in rows)
        return written.getvalue()


def compress(reply: Reply) -> None:
    """Send the body as gzip."""
    reply.body = gzip.compress(reply.body.encode(), mtime=0)
    reply.headers["Content-Encoding"] = "gzip"


def _size(given: str | None, default: int) -> int:
    if given is None:
        return default
    if not given.isdecimal() or int(given) < 1:
        raise Refusal(400, "INVALIDJOB", "maxRecords must be a positive number")
    return int(given)


def _locator(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _read_locator(locator: str | None) -> int:
    if not locator:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from None
