"""Pipedrive's answers to the loop's questions: whole lists by cursor or by count, and the history of moved deals."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from leadrole.crm import windows
from leadrole.crm.client import Client, RateLimiter, Reply
from leadrole.crm.loop import read_night
from leadrole.crm.pipedrive import quirks
from leadrole.crm.pipedrive.access import CoolDown, DayBudget, app_access, token_access
from leadrole.crm.pipedrive.endpoints import (
    COUNTS,
    DEAL_EXTRAS,
    ENDPOINTS,
    FLOW,
    LISTS,
    MAX_IDS,
    MAX_PAGE,
    NEEDED,
    ONE_DEAL,
    ONE_LEAD,
    PARTICIPANTS,
    REFERENCES,
)
from leadrole.crm.spec import Endpoint, Page, PageProgress, SourceState
from leadrole.errors import SourceContractError, SourceUnavailableError
from leadrole.landing import Manifest
from leadrole.run import Run
from leadrole.settings import PipedriveSource

Record = dict[str, Any]
# How many rows two pages of a counted list share, and how many of them are remembered over a break.
SHARED_ROWS = 50
KEPT_NAMES = 3
STARTS = 3
# A list of version 2 is sorted by id: then an edit moves no row, and a new one comes last.
BY_ID = {"sort_by": "id", "sort_direction": "asc"}


def extract(
    source: PipedriveSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Manifest:
    """Land one night of Pipedrive, whole or not at all."""
    cool_down = CoolDown(run.token_path(source.name).with_suffix(".cooldown.json"))
    cool_down.check(clock())
    try:
        return _read(source, state, run, progress, clock=clock, sleep=sleep, monotonic=monotonic)
    except SourceUnavailableError as error:
        if error.message == quirks.SHUT_OUT:
            cool_down.start(clock())
        raise


def _read(
    source: PipedriveSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> Manifest:
    secrets: list[str] = []
    if source.is_app:
        access = app_access(source, run, secrets, clock=clock, sleep=sleep, monotonic=monotonic)
    else:
        access = token_access(source, secrets)
    path = run.token_path(source.name).with_suffix(".spent.json")
    with (
        DayBudget(path, source, clock) as budget,
        Client(
            access.base_url,
            auth=access.auth,
            secrets=secrets,
            explain=quirks.explain,
            read_limits=quirks.Limits(),
            limiter=RateLimiter(source.burst, quirks.BURST_SECONDS, monotonic=monotonic, sleep=sleep),
            cost=budget.cost,
            allowance=source.daily_tokens,
            numbers_as_text=True,
            clock=clock,
            sleep=sleep,
            monotonic=monotonic,
        ) as client,
    ):
        return read_night(PipedriveReader(source, client, state), source, state, run, progress, client, clock)


class PipedriveReader:
    """The reader of one company (see `crm.spec.Reader`)."""

    label = "Pipedrive"
    endpoints = ENDPOINTS

    def __init__(self, source: PipedriveSource, client: Client, state: SourceState) -> None:
        self.source = source
        self.client = client
        self.page_size = min(source.page_size, MAX_PAGE)
        self.custom = {
            name: key
            for name, key in (
                ("custom_source", source.source_field),
                ("custom_type", source.deal_type_field),
            )
            if key is not None
        }
        self._held = state.fingerprints
        # Of tonight's deals: those that are open, and whether nobody is on them beside their main person.
        self._open: set[str] = set()
        self._alone: dict[str, bool] = {}
        self._read_at: datetime | None = None
        self._seen: dict[str, dict[str, str]] = {name: {} for name in LISTS}  # id -> fingerprint, tonight
        self._lacking: dict[str, set[str]] = {name: set(fields) for name, fields in NEEDED.items()}

    # --- reference data ---

    def references(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """A short list, whole; of the fields of deals, the options of those that we read."""
        for reply in self._cursor_replies(REFERENCES[endpoint.name], {}, paged="/v2/"):
            if endpoint.name == "field_options":
                yield self._page(reply, self._options(reply), following=None)
                continue
            records = self._data(
                reply, endpoint.name, key="name" if endpoint.name == "lead_sources" else "id"
            )
            yield self._page(
                reply, [quirks.reference(record, endpoint) for record in records], following=None
            )

    def _options(self, reply: Reply) -> list[Record]:
        fields = self._data(reply, "the fields of deals", key="field_code")
        known = [str(field["field_code"]) for field in fields]
        if quirks.next_cursor(reply.body) is None and len(known) < MAX_PAGE:
            self._check_fields(known)
        wanted = {"channel", *self.custom.values()}
        return [row for field in fields if field["field_code"] in wanted for row in quirks.options(field)]

    def _check_fields(self, known: list[str]) -> None:
        for name, setting in (("custom_source", "source_field"), ("custom_type", "deal_type_field")):
            key = self.custom.get(name)
            if key is not None and key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
                raise SourceContractError(
                    f"{setting} names the field {key}, which Pipedrive's deals do not have",
                    next_step=f"write {near[0]} in the config"
                    if near
                    else f"correct {setting} in the config",
                )

    # --- records ---

    def count(self, endpoint: Endpoint) -> int | None:
        """Pipedrive's own count, which it has of deals only; of the rest, the walk must reach the newest record."""
        if endpoint.name != "deals":
            return None
        total = 0
        for path in COUNTS:
            data = self.client.get(path).body.get("data")
            counted = data.get("total_count") if isinstance(data, dict) else None
            if not isinstance(counted, int):
                raise SourceContractError(
                    "Pipedrive's summary of deals has no total_count",
                    next_step="report it to Leadrole: Pipedrive's API has changed",
                )
            total += counted
        return total

    def walk(self, endpoint: Endpoint, start: str | None, *, with_rows: bool) -> Iterator[Page]:
        """Every part of a list, with all fields: ids alone would cost the same."""
        paths = LISTS[endpoint.name]
        told = (start or "0:").split(":", 1)
        for part in range(int(told[0]), len(paths)):
            token = told[1] if part == int(told[0]) else ""
            newest = self._newest(endpoint, paths[part])
            pages = self._counted if endpoint.name == "leads" else self._cursored
            for reply, following in pages(endpoint, paths[part], token):
                rows = self._rows(endpoint, reply)
                self._note(endpoint, rows)
                if following is None:
                    self._check_end(endpoint, newest, is_last=part + 1 == len(paths))
                    goes_on = f"{part + 1}:" if part + 1 < len(paths) else None
                else:
                    goes_on = f"{part}:{following}"
                yield self._page(reply, rows, following=goes_on)

    def _newest(self, endpoint: Endpoint, path: str) -> str | None:
        """The id of the newest record of a list, read from its other end."""
        if endpoint.name == "leads":
            params = {"sort": "add_time DESC", "limit": "1"}
        else:
            params = {"sort_by": "id", "sort_direction": "desc", "limit": "1", **self._asked(endpoint)}
        found = self._data(self.client.get(path, params), endpoint.name)
        return str(found[0]["id"]) if found else None

    def _check_end(self, endpoint: Endpoint, newest: str | None, *, is_last: bool) -> None:
        """Refuse a list that ended before its newest record, unless that left it while we read."""
        if newest is None or newest in self._seen[endpoint.name]:
            return
        for page in self.by_id(endpoint, [newest]):
            for row in page.rows:
                # What was archived meanwhile is in the list that comes next.
                if row["archived"] or (row["fields"].get("is_archived") == "true" and not is_last):
                    continue
                raise SourceUnavailableError(
                    f"{endpoint.name}: Pipedrive's list ended before its newest record",
                    next_step="run again later; a partial night is never published",
                )

    def _cursored(self, endpoint: Endpoint, path: str, token: str) -> Iterator[tuple[Reply, str | None]]:
        """A list of version 2 by its cursors, which are places in the order of ids."""
        params = {**BY_ID, **self._asked(endpoint)}
        try:
            first = self._cursor_replies(path, params, token or None)
            yield from ((reply, quirks.next_cursor(reply.body)) for reply in first)
        except SourceUnavailableError as error:
            # Nobody says how long a cursor lives; what was left days ago is then read from its start.
            if not token or error.message != quirks.BAD_CURSOR:
                raise
            again = self._cursor_replies(path, params)
            yield from ((reply, quirks.next_cursor(reply.body)) for reply in again)

    def _counted(self, endpoint: Endpoint, path: str, token: str) -> Iterator[tuple[Reply, str | None]]:
        """A list of version 1 by the number of rows before it, sorted by creation.

        A lead that goes (converted, archived) moves up all that follow, and a page asked for by number would
        skip as many. So each page begins before the end of the last one; if it has none of those rows, the list
        is read from its start.
        """
        begun = token.split(",") if token else ["0"]
        position, last = int(begun[0]), set(begun[1:])
        seen: set[str] = set()
        starts = stalled = 0
        while True:
            params = {"start": str(position), "limit": str(self.page_size), "sort": "add_time ASC"}
            reply = self.client.get(path, params)
            names = [str(record["id"]) for record in self._data(reply, endpoint.name)]
            if last and position and not last & set(names):
                starts += 1
                if starts > STARTS:
                    raise _loop(endpoint.name)
                position, last = 0, set()
                continue
            stalled = 0 if set(names) - seen else stalled + 1
            seen.update(names)
            more = quirks.has_more(reply.body, len(names), self.page_size)
            if more and (not names or stalled > STARTS):
                raise _loop(endpoint.name)
            if not more:
                yield reply, None
                return
            shared = min(SHARED_ROWS, len(names) // 2)
            position += len(names) - shared
            last = set(names[len(names) - shared :])
            yield reply, ",".join([str(position), *names[len(names) - shared :][:KEPT_NAMES]])

    def changed(self, endpoint: Endpoint, window: windows.Window) -> Iterator[Page]:
        """Nothing to ask: each list is read whole every night (see `endpoints`)."""
        return iter(())

    def removed(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """The deals that were deleted in the last 30 days; of nothing else does Pipedrive tell."""
        if endpoint.name != "deals":
            return
        for path in LISTS["deals"]:
            for reply in self._cursor_replies(path, {**BY_ID, **self._asked(endpoint), "status": "deleted"}):
                yield self._page(reply, self._rows(endpoint, reply, archived=True), following=None)

    def by_id(self, endpoint: Endpoint, ids: Sequence[str]) -> Iterator[Page]:
        """Records by id; leads can be asked for one by one only."""
        if endpoint.name == "leads":
            for record_id in ids:
                reply = self._one(ONE_LEAD.format(id=record_id))
                if reply is not None:
                    yield self._page(reply, self._rows(endpoint, reply), following=None, size=1)
            return
        for chunk in windows.chunks(ids, min(MAX_IDS, self.page_size)):
            for path in LISTS[endpoint.name]:
                params = {**self._asked(endpoint), "ids": ",".join(chunk), "limit": str(MAX_IDS)}
                reply = self.client.get(path, params)
                yield self._page(reply, self._rows(endpoint, reply), following=None, size=MAX_IDS)

    def links(self, endpoint: Endpoint, target: str, parents: Sequence[str]) -> Iterator[Page]:
        """The persons of deals, where there may be others than the main one; all other links are fields."""
        for parent in parents:
            has_moved = self._has_moved(endpoint, parent)
            is_alone = self._alone.get(parent)
            if is_alone and self._read_at is not None:
                yield Page([{"id": parent, "to": []}], self._read_at)
            elif has_moved or parent in self._open:
                found = self._participants(parent)
                if found is not None:
                    yield found

    def _participants(self, deal: str) -> Page | None:
        """Everybody on a deal; None if it is gone."""
        persons: dict[str, dict[str, str]] = {}
        position = 0
        while True:
            params = {"start": str(position), "limit": str(self.page_size)}
            reply = self._one(PARTICIPANTS.format(id=deal), params)
            if reply is None:
                return None
            records = self._data(reply, "the persons of a deal")
            persons.update((one["id"], one) for one in map(quirks.participant, records) if one is not None)
            if not quirks.has_more(reply.body, len(records), self.page_size):
                return Page([{"id": deal, "to": list(persons.values())}], reply.received_at)
            if not records:
                raise _loop("the persons of a deal")
            position += len(records)

    def child_rows(self, endpoint: Endpoint, child: Endpoint, parent: str) -> Iterator[Page]:
        """The changes of a deal that is new or moved; the flow of the rest is what we hold."""
        if not self._has_moved(endpoint, parent):
            return
        path = FLOW.format(id=parent)
        position = 0
        while True:
            params = {"items": "dealChange", "start": str(position), "limit": str(self.page_size)}
            reply = self._one(path, params)
            if reply is None:  # deleted since its list was read
                return
            entries = self._data(reply, "the flow of a deal", key="object") if reply.body is not None else []
            rows = [row for row in (quirks.change(entry, child) for entry in entries) if row is not None]
            yield self._page(reply, rows, following=None)
            if reply.body is None or not quirks.has_more(reply.body, len(entries), self.page_size):
                return
            if not entries:
                raise _loop("the flow of a deal")
            position += len(entries)

    def _has_moved(self, endpoint: Endpoint, record_id: str) -> bool:
        """Whether a record differs in any field from what we hold of it."""
        held = self._held.get(endpoint.name, {}).get(record_id)
        now = self._seen[endpoint.name].get(record_id)
        if held is not None and now is None:
            # Its page was read before the night broke off; one token tells what forty would.
            reply = self._one(ONE_DEAL.format(id=record_id), self._asked(endpoint))
            if reply is None:
                return False
            self._note(endpoint, self._rows(endpoint, reply))
            now = self._seen[endpoint.name].get(record_id)
        return held is None or held != now

    def finish(self, endpoint: Endpoint) -> None:
        """Refuse records none of which has a field that every record should have."""
        missing = sorted(self._lacking.get(endpoint.name, ()))
        if missing and self._seen[endpoint.name]:
            raise SourceContractError(
                f"Pipedrive's {endpoint.name} no longer have the field {', '.join(missing)}, which the marts need",
                next_step="update Leadrole: Pipedrive's API has changed",
            )

    # --- helpers ---

    @staticmethod
    def _asked(endpoint: Endpoint) -> dict[str, str]:
        """What must be asked for: the lead that a deal came of, and how many persons are on it."""
        return {"include_fields": DEAL_EXTRAS} if endpoint.name == "deals" else {}

    def _one(self, path: str, params: Mapping[str, str] | None = None) -> Reply | None:
        """One record, or None if it is gone."""
        try:
            return self.client.get(path, params)
        except SourceUnavailableError as error:
            if error.message == quirks.GONE:
                return None
            raise

    def _cursor_replies(
        self, path: str, params: Mapping[str, str], start: str | None = None, *, paged: str = ""
    ) -> Iterator[Reply]:
        """A list page by page; what is not of version 2 comes in one."""
        limit = {"limit": str(self.page_size)} if paged in path else {}

        def fetch(token: str | None) -> tuple[Reply, str | None]:
            reply = self.client.get(path, {**params, **limit, **({"cursor": token} if token else {})})
            return reply, quirks.next_cursor(reply.body) if isinstance(reply.body, dict) else None

        return windows.follow(fetch, start)

    def _rows(self, endpoint: Endpoint, reply: Reply, *, archived: bool = False) -> list[Record]:
        found = self._data(reply, endpoint.name)
        self._read_at = reply.received_at
        lacking = self._lacking.get(endpoint.name)
        if lacking:
            for record in found:
                lacking -= set(record)
        return [quirks.trimmed(record, endpoint, custom=self.custom, archived=archived) for record in found]

    def _note(self, endpoint: Endpoint, rows: Sequence[Record]) -> None:
        if endpoint.name == "deals":
            self._alone.update((row["id"], quirks.is_alone(row["fields"])) for row in rows)
            self._open.update(row["id"] for row in rows if row["fields"]["status"] == "open")
        self._seen[endpoint.name].update(
            (row["id"], quirks.fingerprint(row["fields"][name] for name in endpoint.fields)) for row in rows
        )

    def _page(
        self, reply: Reply, rows: Sequence[Record], *, following: str | None, size: int = MAX_PAGE
    ) -> Page:
        return Page(rows, reply.received_at, following=following, size=size, server_time=reply.server_time)

    @staticmethod
    def _data(reply: Reply, what: str, key: str = "id") -> list[Record]:
        """The records of an answer. `data: null` is an empty list, unless the answer says that more follow."""
        body = reply.body if isinstance(reply.body, dict) else {}
        data = body.get("data", ())
        if data is None and quirks.next_cursor(body) is None and not quirks.has_more(body, 0, 1):
            return []
        records = [data] if isinstance(data, dict) else data
        if not isinstance(records, list) or not all(isinstance(row, dict) and key in row for row in records):
            raise SourceContractError(
                f"Pipedrive's answer for {what} has no list of records with ids",
                next_step="run again; if it stays, report it to Leadrole: Pipedrive's API has changed",
            )
        return records


def _loop(what: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"paging loop: Pipedrive's list of {what} does not come to an end",
        next_step="run again later; if it stays, report it to Pipedrive's support",
    )
