"""Salesforce's answers to the loop's questions: SOQL by id and by stamp, pages, bulk jobs, descriptions."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from leadrole.crm import windows
from leadrole.crm.client import Client, RateLimiter, Reply
from leadrole.crm.loop import read_night
from leadrole.crm.salesforce import quirks
from leadrole.crm.salesforce.bulk import Jobs, Place
from leadrole.crm.salesforce.endpoints import (
    CUSTOM,
    DATA,
    DESCRIBES_A_CALL,
    ENDPOINTS,
    EVENTS,
    FIELDS,
    IDS_A_QUERY,
    MAX_BULK_PAGE,
    MAX_PAGE,
    MIN_PAGE,
    ONLY,
    TASKS,
    TRACKED,
    TRACKED_CUSTOM,
)
from leadrole.crm.salesforce.login import token_auth
from leadrole.crm.spec import Endpoint, Page, PageProgress, SourceState
from leadrole.errors import (
    ConfigError,
    MissingPermissionError,
    SourceContractError,
    SourceUnavailableError,
)
from leadrole.landing import Manifest
from leadrole.run import Run
from leadrole.settings import SalesforceSource

Record = dict[str, Any]
LIST_TRIES = 3
SHORTEST_WINDOW = timedelta(minutes=1)
CURRENCY = "currency_iso_code"


def extract(
    source: SalesforceSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Manifest:
    """Land one night of Salesforce, whole or not at all."""
    secrets: list[str] = []
    limiter = RateLimiter(source.rate_limit.per_10_seconds, 10, monotonic=monotonic, sleep=sleep)
    explain = quirks.Explain()
    with (
        Client(
            source.base_url,
            auth=None,
            secrets=secrets,
            explain=quirks.explain_login,
            limiter=limiter,
            clock=clock,
            sleep=sleep,
            monotonic=monotonic,
        ) as door,
        Client(
            source.base_url,
            auth=token_auth(source, run, door, secrets, clock),
            secrets=secrets,
            explain=explain,
            limiter=limiter,
            most_share=source.max_allowance_share,
            numbers_as_text=True,
            clock=clock,
            sleep=sleep,
            monotonic=monotonic,
        ) as client,
    ):
        reader = SalesforceReader(source, client, explain, sleep)
        return read_night(reader, source, state, run, progress, client, clock)


@dataclass(frozen=True)
class _Object:
    """An object of this org: which of our fields it has, under Salesforce's names, and of which type."""

    names: Mapping[str, str]
    types: Mapping[str, str]
    prefix: str
    can_be_deleted: bool  # settings can't

    @property
    def columns(self) -> str:
        return ", ".join(["Id", *self.names.values(), *(["IsDeleted"] if self.can_be_deleted else [])])


class SalesforceReader:
    """The reader of one org (see `crm.spec.Reader`)."""

    label = "Salesforce"
    endpoints = ENDPOINTS

    def __init__(
        self,
        source: SalesforceSource,
        client: Client,
        explain: quirks.Explain,
        sleep: Callable[[float], None],
    ) -> None:
        self.source = source
        self.client = client
        self.explain = explain
        self.path = DATA.format(version=source.api_version)
        self.jobs = Jobs(
            client,
            explain,
            self.path,
            page_rows=source.bulk_page_size,
            longest=source.bulk_wait_minutes * 60.0,
            sleep=sleep,
        )
        self.described: dict[str, Record] = {}
        self.hidden: set[str] = set()
        self.objects: dict[str, _Object] = {}
        self.totals: dict[str, int | None] = {}
        self.counted: dict[str, int | None] = {}
        self.notes: list[str] = []

    # --- what an org has ---

    def _object(self, endpoint: Endpoint) -> _Object:
        """An object and its fields, after making sure that it has those which the marts need."""
        if endpoint.name not in self.objects:
            if not self.described:
                self._describe_all()
            if endpoint.type in self.hidden:
                raise MissingPermissionError(
                    f"the org has no {endpoint.type}, or the app's user can't see it",
                    next_step="give the app's user read access to it in Salesforce (a permission set)",
                )
            if endpoint.type not in self.described:
                reply = self.client.get(f"{self.path}/sobjects/{endpoint.type}/describe")
                self.described[endpoint.type] = _described(reply.body, endpoint.type)
            self.objects[endpoint.name] = self._checked(endpoint, self.described[endpoint.type])
        return self.objects[endpoint.name]

    def _describe_all(self) -> None:
        """Describe every object in one call; what failed in it is asked for alone when its turn comes."""
        types = [item.type for item in self.endpoints]
        for chunk in windows.chunks(types, DESCRIBES_A_CALL):
            version = self.path.rpartition("/")[2]
            parts = [{"method": "GET", "url": f"{version}/sobjects/{name}/describe"} for name in chunk]
            reply = self.client.post(f"{self.path}/composite/batch", {"batchRequests": parts})
            self._note_usage(reply)
            results = reply.body.get("results") if isinstance(reply.body, dict) else None
            for name, result in zip(chunk, results or [], strict=False):
                status = result.get("statusCode") if isinstance(result, dict) else None
                if status == 200:
                    self.described[name] = _described(result["result"], name)
                elif status == 404:
                    self.hidden.add(name)

    def _checked(self, endpoint: Endpoint, described: Record) -> _Object:
        known = {str(field["name"]): field for field in described["fields"] if isinstance(field, dict)}
        folded = {name.lower(): name for name in known}
        names: dict[str, str] = {}
        for ours, theirs in FIELDS[endpoint.name].items():
            key = CUSTOM.get((endpoint.name, ours))
            wanted = getattr(self.source, key) if key else theirs
            if wanted is None:
                continue
            name = folded.get(wanted.lower())
            if name is not None:
                if key and known[name].get("calculated"):
                    raise ConfigError(
                        f"{self.source.name}: {key} names {name}, a formula of {endpoint.type}: a formula changes "
                        "without a trace, so a copy of it drifts",
                        next_step="name the field from which it is computed, or leave the key out",
                    )
                names[ours] = name
            elif ours not in endpoint.may_lack:
                self._miss(endpoint, wanted, key, list(known))
            elif ours != CURRENCY:
                self.notes.append(
                    f"{endpoint.type} has no field {wanted}, or the app's user can't see it; it is left out"
                )
        types = {ours: str(known[name].get("type")) for ours, name in names.items()}
        return _Object(names, types, str(described.get("keyPrefix") or "000"), "IsDeleted" in known)

    def _miss(self, endpoint: Endpoint, wanted: str, key: str | None, known: list[str]) -> None:
        near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]}?" if near else ""
        named = f", which {key} names" if key else ", which the marts need"
        raise SourceContractError(
            f"{endpoint.type} has no field {wanted}{named}{hint}",
            next_step="correct the key in the config, or let the app's user see the field"
            if key
            else "let the app's user see the field in Salesforce (field-level security), or restore it",
        )

    # --- reference data ---

    def references(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """Users, queues, stages, statuses, currencies: whole, in pages."""
        if endpoint.is_reference and start is None and not self.objects:
            self._preflight()
        conditions = [ONLY[endpoint.name]] if endpoint.name in ONLY else []
        for reply, found in self._list(endpoint, conditions, start):
            yield self._records(endpoint, reply, found, following=_after(found))

    def _preflight(self) -> None:
        """Look at every object before anything is read: what is missing is told at once, not after hours."""
        for endpoint in self.endpoints:
            try:
                self._object(endpoint)
            except MissingPermissionError:
                if not endpoint.is_optional:
                    raise
        # A user who may see only some activities is refused when asked for all of them (T-26).
        self.counted = {item.name: self.count(item) for item in (TASKS, EVENTS)}

    # --- records ---

    def count(self, endpoint: Endpoint) -> int | None:
        """Salesforce's own count of live records, archived activities among them; None if it takes too long."""
        if endpoint.name in self.counted:
            return self.counted.pop(endpoint.name)
        self._object(endpoint)
        where = _where([*self._part(endpoint), "IsDeleted = false"])
        self.explain.code = ""
        try:
            reply = self._ask(f"SELECT COUNT() FROM {endpoint.type}{where}")
        except SourceUnavailableError:
            if self.explain.code != "QUERY_TIMEOUT":
                raise
            return self.totals.setdefault(endpoint.name, None)
        self.totals[endpoint.name] = total = _total(reply, endpoint.name)
        return total

    def walk(self, endpoint: Endpoint, start: str | None, *, with_rows: bool) -> Iterator[Page]:
        """Every live record by id; many of them with all fields as a bulk job.

        Of a history also the entries on deleted records, marked as such: they tell what those were before.
        """
        if with_rows and (Place.read(start) or (start is None and self._is_large(endpoint))):
            is_done = yield from self._bulk_pages(endpoint, Place.read(start))
            if is_done:
                return
            start = None
        with_deleted = with_rows and endpoint.only_grows
        conditions = [*self._part(endpoint), *([] if with_deleted else ["IsDeleted = false"])]
        for reply, found in self._list(endpoint, conditions, start, with_fields=with_rows):
            if with_rows:
                page = self._records(endpoint, reply, found, following=_after(found))
                yield self._live(page) if with_deleted else page
            else:
                ids = [record["Id"] for record in found]
                yield self._page(reply, (), ids=ids, following=_after(found))

    def changed(self, endpoint: Endpoint, window: windows.Window) -> Iterator[Page]:
        """Everything stamped in the window, also what was deleted; a window that takes too long is halved."""
        stamp = self._object(endpoint).names[endpoint.cursor]
        waiting = [window]
        while waiting:
            part = waiting.pop()
            conditions = [
                *self._part(endpoint),
                f"{stamp} >= {quirks.literal(part.lo)}",
                f"{stamp} < {quirks.literal(part.hi)}",
            ]
            self.explain.code = ""
            try:
                for reply, found in self._list(endpoint, conditions, None, is_patient=False):
                    yield self._records(endpoint, reply, found, total=_total(reply, endpoint.name))
            except SourceUnavailableError:
                if self.explain.code != "QUERY_TIMEOUT":
                    raise
                waiting += self._halves(endpoint, part)

    def _halves(self, endpoint: Endpoint, window: windows.Window) -> list[windows.Window]:
        """The two halves of a window, the earlier one last, as it is read first."""
        if window.hi - window.lo <= SHORTEST_WINDOW:
            raise SourceUnavailableError(
                f"{endpoint.name}: Salesforce takes too long for the changes of one minute (QUERY_TIMEOUT)",
                next_step="run again later; if it stays, ask Salesforce for an index on SystemModstamp",
            )
        middle = (window.lo + (window.hi - window.lo) / 2).replace(microsecond=0)
        return [replace(window, lo=middle), replace(window, hi=middle)]

    def removed(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """What lies in the bin: those who were merged away name their survivor there."""
        for reply, found in self._list(endpoint, ["IsDeleted = true"], start):
            yield self._records(endpoint, reply, found, following=_after(found))

    def by_id(self, endpoint: Endpoint, ids: Sequence[str]) -> Iterator[Page]:
        """Records by id, those in the bin marked as deleted; those that are gone are left out."""
        columns = self._object(endpoint).columns
        for chunk in windows.chunks(ids, IDS_A_QUERY):
            listed = quirks.quoted(quirks.record_id(item) for item in chunk)
            soql = f"SELECT {columns} FROM {endpoint.type} WHERE Id IN ({listed})"
            for reply in self._pages(soql):
                yield self._records(endpoint, reply, _found(reply, endpoint.name), size=IDS_A_QUERY)

    def links(self, endpoint: Endpoint, target: str, parents: Sequence[str]) -> Iterator[Page]:
        """Salesforce's links are fields of the records."""
        return iter(())

    def child_rows(self, endpoint: Endpoint, child: Endpoint, parent: str) -> Iterator[Page]:
        """Salesforce's histories are objects of their own."""
        return iter(())

    def finish(self, endpoint: Endpoint) -> None:
        """A field that goes missing refuses the query that names it."""

    # --- queries ---

    def _list(
        self,
        endpoint: Endpoint,
        conditions: Sequence[str],
        start: str | None,
        *,
        with_fields: bool = True,
        is_patient: bool = True,
    ) -> Iterator[tuple[Reply, list[Record]]]:
        """Every record that fits, by id, in pages.

        The pages of one query are a picture of one moment. Where they end before the query's own total, or the
        place in them is lost, the list goes on after the last id; an id never changes, so nothing is skipped.
        A query that takes too long is asked for in small pieces by id, if the caller has no better way.
        """
        shown = self._object(endpoint)
        columns = shown.columns if with_fields else "Id"
        limit: int | None = None
        for _ in range(LIST_TRIES):
            seen: set[str] = set()
            goal, last = 0, _last(start)
            places: set[str | None] = set()
            while True:
                # The lowest id an object can have makes it a search by key, which does not time out.
                floor = last or (f"{shown.prefix}{'0' * 12}" if limit else None)
                by_id = [f"Id > '{floor}'"] if floor else []
                soql = f"SELECT {columns} FROM {endpoint.type}{_where([*conditions, *by_id])} ORDER BY Id"
                soql += f" LIMIT {limit}" if limit else ""
                got: set[str] = set()
                total = 0
                self.explain.code = ""
                try:
                    for reply in self._pages(soql):
                        found = _found(reply, endpoint.name)
                        total = max(total, _total(reply, endpoint.name))
                        got.update(str(record["Id"]) for record in found)
                        last = found[-1]["Id"] if found else last
                        yield reply, found
                except SourceUnavailableError:
                    if self.explain.code == "QUERY_TIMEOUT" and is_patient and limit != MIN_PAGE:
                        limit = MAX_PAGE if limit is None else MIN_PAGE
                        continue
                    if self.explain.code != "INVALID_QUERY_LOCATOR" or not got:
                        raise
                goal = max(goal, total)
                seen |= got
                is_piece = len(got) < total or (limit is not None and len(got) >= limit)
                if not got or not is_piece or last in places:
                    break
                places.add(last)
            if len(seen) >= goal:
                return
        raise SourceUnavailableError(
            f"{endpoint.name}: received {len(seen):,} of the {goal:,} that Salesforce counts",
            next_step="run again later; a partial night is never published",
        )

    def _pages(self, soql: str) -> Iterator[Reply]:
        """A query's pages; the places in it live two days, which a night does not need."""

        def fetch(link: str | None) -> tuple[Reply, str | None]:
            reply = self._ask(soql) if link is None else self._follow(link)
            following = reply.body.get("nextRecordsUrl") if isinstance(reply.body, dict) else None
            return reply, None if following is None else str(following)

        return windows.follow(fetch)

    def _ask(self, soql: str) -> Reply:
        """One query. Only queryAll shows what is deleted, and activities older than a year."""
        size = min(max(self.source.page_size, MIN_PAGE), MAX_PAGE)
        reply = self.client.get(
            f"{self.path}/queryAll",
            {"q": soql},
            headers={"Sforce-Query-Options": f"batchSize={size}"},
        )
        self._note_usage(reply)
        return reply

    def _follow(self, link: str) -> Reply:
        self.client.check_link(link)
        if not link.startswith(f"{self.path}/query"):
            raise SourceContractError(
                "Salesforce names a next page that is no page of a query",
                next_step="run again; if it stays, report it to Leadrole: Salesforce's API has changed",
            )
        reply = self.client.get(link)
        self._note_usage(reply)
        return reply

    def _part(self, endpoint: Endpoint) -> list[str]:
        """The condition that leaves out what is not ours to keep."""
        if endpoint.name not in TRACKED:
            return []
        custom = getattr(self.source, TRACKED_CUSTOM[endpoint.name])
        return [f"Field IN ({quirks.quoted([*TRACKED[endpoint.name], *([custom] if custom else [])])})"]

    # --- bulk ---

    def _is_large(self, endpoint: Endpoint) -> bool:
        """Whether the object is large enough for a job; a read that is gone on with has not been counted anew."""
        total = self.totals[endpoint.name] if endpoint.name in self.totals else self.count(endpoint)
        return total is None or total > self.source.bulk_threshold

    def _bulk_pages(self, endpoint: Endpoint, place: Place | None) -> Generator[Page, None, bool]:
        """The rows of a job; False if there can be none, and pages of a query must do."""
        shown = self._object(endpoint)
        ours = ["id", *shown.names]
        # Salesforce splits a job by id itself, unless it has to be in order.
        conditions = [*self._part(endpoint), *([] if endpoint.only_grows else ["IsDeleted = false"])]
        soql = f"SELECT {shown.columns} FROM {endpoint.type}{_where(conditions)}"
        header = shown.columns.split(", ")
        told = None if place is None else self.jobs.wait(place)
        if place is None or told is None:
            made = self.jobs.make(soql)
            if made is None:
                return False
            place = made.place
            yield Page((), made.received_at, following=str(place), ids=(), size=MAX_BULK_PAGE)
            told = self.jobs.wait(place)
            if told is None:
                return False
        following: Place | None = place
        while following is not None:
            page = self.jobs.page(following, header)
            rows = []
            for cells in page.cells:
                values = {
                    name: quirks.cell_text(cell, shown.types.get(name, ""))
                    for name, cell in zip(ours, cells, strict=False)
                }
                rows.append(self._row(endpoint, values, is_deleted=cells[-1] == "true"))
            place, following = page.end, page.following
            landed = Page(
                rows,
                page.received_at,
                following=None if following is None else str(following),
                size=MAX_BULK_PAGE,
            )
            yield self._live(landed)
        if told >= 0 and place.rows != told:
            raise SourceUnavailableError(
                f"{endpoint.name}: a bulk job found {told:,} rows and gave {place.rows:,}",
                next_step="run again later; a partial night is never published",
            )
        self.jobs.forget(place)
        return True

    # --- pages ---

    def _records(
        self,
        endpoint: Endpoint,
        reply: Reply,
        found: Sequence[Record],
        *,
        following: str | None = None,
        total: int | None = None,
        size: int = MAX_PAGE,
    ) -> Page:
        """The rows of one answer, as they are landed."""
        names = self._object(endpoint).names
        rows = []
        for record in found:
            values = {ours: quirks.text_of(record.get(name)) for ours, name in names.items()}
            is_deleted = record.get("IsDeleted") is True
            rows.append(self._row(endpoint, {"id": record["Id"], **values}, is_deleted=is_deleted))
        return self._page(reply, rows, following=following, total=total, size=size)

    def _row(self, endpoint: Endpoint, values: Mapping[str, str | None], *, is_deleted: bool) -> Record:
        values = dict(values)
        if endpoint.name == "opportunities" and CURRENCY not in self._object(endpoint).names:
            # An org with one currency has no such field; which one it is, only people know.
            values[CURRENCY] = self.source.currency
        identity = quirks.record_id(values["id"])
        return quirks.trimmed(values, endpoint, identity=identity, is_deleted=is_deleted)

    @staticmethod
    def _live(page: Page) -> Page:
        """The page with the ids of its live rows only, as the loop counts those."""
        return replace(page, ids=[row["id"] for row in page.rows if not row.get("archived")])

    def _page(
        self,
        reply: Reply,
        rows: Sequence[Record],
        *,
        ids: Sequence[str] | None = None,
        following: str | None = None,
        total: int | None = None,
        size: int = MAX_PAGE,
    ) -> Page:
        notes, self.notes = tuple(self.notes), []
        return Page(
            rows,
            reply.received_at,
            following=following,
            ids=ids,
            total=total,
            size=size,
            server_time=reply.server_time,
            notes=notes,
        )

    def _note_usage(self, reply: Reply) -> None:
        """Learn the day's allowance, and stop before the org's other programs stand still."""
        told = quirks.usage(reply.headers)
        if told is None:
            return
        used, self.client.allowance = told
        if used > self.source.max_account_share * self.client.allowance:
            raise SourceUnavailableError(
                f"the org's programs have made {used:,} of the {self.client.allowance:,} calls of 24 hours, more than "
                f"{self.source.max_account_share:.0%}; this night is incomplete",
                next_step="run again when they are free again: a first load goes on where it stopped; or raise "
                "max_account_share",
            )


def _described(body: object, name: str) -> Record:
    if not isinstance(body, dict) or not isinstance(body.get("fields"), list):
        raise SourceContractError(
            f"Salesforce describes {name} without its fields",
            next_step="run again; if it stays, report it to Leadrole: Salesforce's API has changed",
        )
    return body


def _found(reply: Reply, what: str) -> list[Record]:
    records = reply.body.get("records") if isinstance(reply.body, dict) else None
    if not isinstance(records, list) or not all(isinstance(row, dict) and "Id" in row for row in records):
        raise SourceContractError(
            f"Salesforce's answer for {what} has no list of records with ids",
            next_step="run again; if it stays, report it to Leadrole: Salesforce's API has changed",
        )
    return records


def _total(reply: Reply, what: str) -> int:
    total = reply.body.get("totalSize") if isinstance(reply.body, dict) else None
    if not isinstance(total, int):
        raise SourceContractError(
            f"Salesforce's answer for {what} has no total",
            next_step="run again; if it stays, report it to Leadrole: Salesforce's API has changed",
        )
    return total


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _after(found: Sequence[Record]) -> str | None:
    """Where a list goes on after these records, told by an id: unlike a place in a query, it does not expire."""
    return f"id:{quirks.record_id(found[-1]['Id'])}" if found else None


def _last(start: str | None) -> str | None:
    return quirks.record_id(start.removeprefix("id:")) if start and start.startswith("id:") else None
