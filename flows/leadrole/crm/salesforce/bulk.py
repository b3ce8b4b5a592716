"""Bulk API 2.0: a query as a job, for objects too large for pages of 2,000 rows. The job's pages can be read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from leadrole.crm.client import Client
from leadrole.crm.salesforce import quirks
from leadrole.errors import MissingPermissionError, SourceUnavailableError

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
PAGE_TRIES = 3


@dataclass(frozen=True)
class Place:
    """How far the pages of a job were read: what a later run needs to go on."""

    job: str
    rows: int = 0
    locator: str = ""

    @classmethod
    def read(cls, text: str | None) -> Place | None:
        """The place that a token tells, if it tells one."""
        parts = (text or "").split(":", 3)
        return cls(parts[1], int(parts[2]), parts[3]) if len(parts) == 4 and parts[0] == "job" else None

    def __str__(self) -> str:
        return f"job:{self.job}:{self.rows}:{self.locator}"


@dataclass(frozen=True)
class Made:
    """A job that Salesforce took on."""

    place: Place
    received_at: datetime


@dataclass(frozen=True)
class Rows:
    """One page of a job's rows as text cells, and where the next one begins; None at the end."""

    cells: Sequence[Sequence[str]]
    following: Place | None
    received_at: datetime
    end: Place


class Jobs:
    """The query jobs of one night."""

    def __init__(
        self,
        client: Client,
        explain: quirks.Explain,
        path: str,
        *,
        page_rows: int,
        longest: float,
        sleep: Callable[[float], None],
    ) -> None:
        self.client = client
        self.explain = explain
        self.path = f"{path}/jobs/query"
        self.page_rows = page_rows
        self.longest = longest
        self.sleep = sleep

    def make(self, soql: str) -> Made | None:
        """A new job, or None where this object or this org has none: then pages must do."""
        body = {
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        self.explain.code = ""
        try:
            reply = self.client.post(self.path, body)
        except (SourceUnavailableError, MissingPermissionError):
            if self.explain.code in quirks.NO_BULK:
                return None
            raise
        return Made(Place(quirks.record_id(reply.body.get("id"))), reply.received_at)

    def wait(self, place: Place) -> int | None:
        """How many rows the job found, -1 if it doesn't say; None if it failed, takes too long or is gone."""
        waited, pause = 0.0, FIRST_WAIT
        while True:
            self.explain.code = ""
            try:
                body = self.client.get(f"{self.path}/{place.job}").body
            except (SourceUnavailableError, MissingPermissionError):
                if self.explain.code == "NOT_FOUND":
                    return None
                raise
            state = body.get("state")
            if state == "JobComplete":
                told = str(body.get("numberRecordsProcessed", ""))
                return int(told) if told.isdecimal() else -1
            if state in ("Failed", "Aborted"):
                return None
            if waited >= self.longest:
                self._end(place, "PATCH")
                return None
            self.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, LONGEST_WAIT)

    def page(self, place: Place, names: Sequence[str]) -> Rows:
        """The rows after a place; a page that does not hold as many as it says is asked for again."""
        params = {"maxRecords": str(self.page_rows)}
        if place.locator:
            params["locator"] = place.locator
        for attempt in range(PAGE_TRIES):
            try:
                reply = self.client.get_text(f"{self.path}/{place.job}/results", params, accept="text/csv")
            except MissingPermissionError:
                raise SourceUnavailableError(
                    "a bulk job of this night is gone from Salesforce",
                    next_step="run again: the rest is read anew",
                ) from None
            told = reply.headers.get("Sforce-NumberOfRecords", "")
            try:
                cells = quirks.csv_rows(reply.body, names, int(told) if told.isdecimal() else None)
            except ValueError as error:
                problem = str(error)
                self.sleep(2.0**attempt)
                continue
            end = Place(place.job, place.rows + len(cells), place.locator)
            # The word null, not an absent header, says that this was the last page.
            locator = reply.headers.get("Sforce-Locator", "null")
            if locator != "null" and locator == place.locator:
                raise SourceUnavailableError(
                    "paging loop: Salesforce sent the same place twice in the rows of a bulk job",
                    next_step="run again later; if it stays, report it to the CRM's support",
                )
            following = None if locator == "null" else Place(end.job, end.rows, locator)
            return Rows(cells, following, reply.received_at, end)
        raise SourceUnavailableError(
            f"Salesforce sent a page of a bulk job that is not whole ({problem})",
            next_step="run again later; the job's other pages are kept",
        )

    def forget(self, place: Place) -> None:
        """Give the org its room back."""
        self._end(place, "DELETE")

    def _end(self, place: Place, method: str) -> None:
        # Salesforce forgets a job after seven days anyway.
        try:
            self.client.send(
                method, f"{self.path}/{place.job}", {"state": "Aborted"} if method == "PATCH" else None
            )
        except (SourceUnavailableError, MissingPermissionError):
            if self.explain.code == "REQUEST_LIMIT_EXCEEDED":
                raise
