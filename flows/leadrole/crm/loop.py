"""One night with one CRM, whichever it is: references, records, what is gone, links, the manifest.

Everything is read the first time and every `full_reread_days`. In between, a closed window finds what changed,
the CRM's list of deleted records finds those (deleting changes no date in most CRMs), and a walk over all live
ids finds what became visible late and what is gone without a trace (merged, erased).

A read of everything that breaks off is gone on with the next time: landing keeps its pages and how far each
list was (`landing.Partial`). The window of such a night ends where it was first begun.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from leadrole.crm import windows
from leadrole.crm.client import Client
from leadrole.crm.ids import Ids
from leadrole.crm.spec import Endpoint, Page, PageProgress, Reader, SourceState
from leadrole.errors import LeadroleError, MissingPermissionError, SourceUnavailableError
from leadrole.landing import Coverage, LandingWriter, Manifest, write_manifest
from leadrole.run import Run
from leadrole.settings import ApiSource

LINK_PARENTS = 1000
LINKS_OF_ALL = 50_000  # 50 calls


def read_night(
    reader: Reader,
    source: ApiSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    client: Client,
    clock: Callable[[], datetime],
) -> Manifest:
    """Land one night, whole or not at all."""
    # Pages come and go by the thousand; Python need not look through all that is older for each of them.
    gc.freeze()
    try:
        with LandingWriter(
            run.landing_dir, source=source.name, run_id=run.run_id, shape=_shape(reader.endpoints)
        ) as landing:
            return _Night(reader, source, state, run, progress, client, landing, clock).read()
    finally:
        gc.unfreeze()


def _shape(endpoints: Iterable[Endpoint]) -> str:
    """What a broken-off read must have in common with tonight's to be gone on with."""
    return repr([(item.name, item.type, item.fields, item.history) for item in endpoints])


class _Night:
    """The state of one extraction: what was landed and which ids were seen."""

    def __init__(
        self,
        reader: Reader,
        source: ApiSource,
        state: SourceState,
        run: Run,
        progress: PageProgress,
        client: Client,
        landing: LandingWriter,
        clock: Callable[[], datetime],
    ) -> None:
        self.reader = reader
        self.source = source
        self.state = state
        self.run = run
        self.progress = progress
        self.client = client
        self.landing = landing
        self.clock = clock
        self.is_full = False
        self.hi: datetime | None = landing.high_water
        self.received: dict[str, Ids] = {}  # live ids landed tonight
        self.walked: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self.lacking: set[str] = set()
        self.needed = 0
        self.notes: list[str] = []

    def read(self) -> Manifest:
        """Read everything in order and write the manifest."""
        children = {name for item in self.reader.endpoints for name in item.children}
        for endpoint in self.reader.endpoints:
            if endpoint.is_reference:
                self._reference(endpoint)
        hi = self._high_water()
        self.is_full = self._is_full(hi)
        if self.is_full:
            self.landing.keep_progress(hi)
        else:
            self.landing.forget()
        records = [
            item for item in self.reader.endpoints if not item.is_reference and item.name not in children
        ]
        for endpoint in records:
            self._available(endpoint, hi)
        records = [item for item in records if item.name not in self.lacking]
        if not any(self.walked.values()):
            self.landing.forget()
            raise SourceUnavailableError(
                f"{self.reader.label} answered, and holds not one of {', '.join(item.name for item in records)}: "
                "0 of at least 1 expected",
                next_step="check that the key belongs to the right account and may read its records",
            )
        for endpoint in records:
            for target in endpoint.links:
                if target not in self.lacking:
                    self._links(endpoint, target)
            for child in endpoint.children:
                self._children(endpoint, child)
        kept = [
            item.name
            for item in self.reader.endpoints
            if not item.is_reference and item.name not in self.lacking
        ]
        closed_until = {name: max(hi, self.state.closed_until.get(name, hi)) for name in kept}
        high_water = min(closed_until.values())
        manifest = Manifest(
            run_id=self.run.run_id,
            source=self.source.name,
            kind=self.source.kind,
            started_at=self.run.started_at,
            high_water=high_water,
            is_full=self.is_full,
            files=self.landing.close(),
            closed_until=closed_until,
            crm_totals=self.totals,
            walked=tuple(item.name for item in records),
            coverage=(
                *(Coverage(name, True, high_water) for name in kept),
                *(Coverage(name, False, None) for name in sorted(self.lacking)),
            ),
            calls=self.client.calls,
            budget={
                "needed": self.needed,
                "spent": self.client.spent,
                "allowance": self.client.allowance,
            },
            notes=tuple(self.notes),
            accept_shrink=self.state.accept_shrink,
        )
        write_manifest(self.run.landing_dir, manifest)
        return manifest

    def _high_water(self) -> datetime:
        if self.hi is None:
            raise SourceUnavailableError(
                f"{self.reader.label} gave no page of {self._first_reference()}",
                next_step="run again later; if it stays, report it to Leadrole",
            )
        return self.hi

    def _is_full(self, hi: datetime) -> bool:
        """Whether everything is read tonight; a read of everything that broke off is gone on with."""
        is_new = not any(item.name in self.state.closed_until for item in self.reader.endpoints)
        every = timedelta(days=self.source.full_reread_days)
        return self.landing.is_resumed or is_new or windows.is_full_due(self.state.last_full, hi, every=every)

    def _first_reference(self) -> str:
        return next((item.name for item in self.reader.endpoints if item.is_reference), "anything")

    # --- reference data ---

    def _reference(self, endpoint: Endpoint) -> None:
        """Land a short list; the first answer's clock decides where tonight's window ends."""
        self.landing.object(endpoint.name)
        try:
            for page in self._steps(
                f"{endpoint.name}/list", lambda start: self.reader.references(endpoint, start)
            ):
                if self.hi is None:
                    ours = self.clock()
                    self.hi = windows.high_water(
                        page.server_time or ours,
                        ours,
                        settle=timedelta(seconds=self.source.settle_seconds),
                        max_skew=timedelta(minutes=self.source.max_clock_skew_minutes),
                    )
                self._land(endpoint.name, "list", page)
        except MissingPermissionError:
            if not endpoint.is_optional:
                raise
            self.lacking.add(endpoint.name)

    # --- records ---

    def _available(self, endpoint: Endpoint, hi: datetime) -> None:
        """Read an object, unless the account never had it; one that we hold must not go missing in silence."""
        try:
            self._object(endpoint, hi)
        except MissingPermissionError as error:
            if not endpoint.is_optional or endpoint.name in self.state.closed_until:
                raise
            self.lacking.add(endpoint.name)
            self.received.pop(endpoint.name, None)
            self.notes.append(f"{endpoint.name} are left out: {error.message}")

    def _object(self, endpoint: Endpoint, hi: datetime) -> None:
        name = endpoint.name
        held = self.state.live_ids.get(name, frozenset())
        ignored = self.state.ignored_ids.get(name, frozenset())
        received = self.received.setdefault(name, Ids(self.landing.landed_ids(name)))
        self.landing.object(name)
        self.landing.object(f"{name}_ids")
        total = self._total(endpoint)
        everything = self.is_full or name not in self.state.closed_until
        if everything or endpoint.reads_whole:
            walked = self._walk(endpoint, total, with_rows=True)
        else:
            self._changed(endpoint, hi)
        if not endpoint.only_grows:
            for page in self._steps(f"{name}/removed", lambda start: self.reader.removed(endpoint, start)):
                self._land(name, "archived", page)
        appeared: frozenset[str] = frozenset()
        if not (everything or endpoint.reads_whole):
            walked = self._walk(endpoint, total, with_rows=False)
            appeared = windows.reconcile(held, walked, ignored, received).appeared
        if total is not None and len(walked) < total:
            # Counts lag: records that were removed in the last minutes may still be in them.
            again = self.reader.count(endpoint)
            total = total if again is None else again
            self.totals[name] = total
        try:
            if total is not None:
                windows.total_guard(name, len(walked), total)
            # How many of those that are gone became something else is known after the load, which guards then.
            if endpoint.became is None:
                before = len(held) + sum(item not in held for item in ignored)
                windows.shrink_guard(name, before, len(walked), accepted=self.state.accept_shrink)
        except LeadroleError:
            # What was landed is what the guard refuses: to go on from it would end here again.
            self.landing.forget()
            raise
        self.walked[name] = len(walked)
        # A record that the walk missed while the list shifted under it answers when asked by name.
        missing = windows.reconcile(held, walked, received).missing
        self._by_id(endpoint, sorted(appeared | missing, key=windows.by_number), label="walk")
        self.reader.finish(endpoint)

    def _total(self, endpoint: Endpoint) -> int | None:
        """The CRM's own count, as it was when the read began."""
        kept = self.landing.reached(f"{endpoint.name}/total")
        if kept is not None and kept.following is not None:
            total: int | None = int(kept.following)
        else:
            total = self.reader.count(endpoint)
            self.needed += total is not None
            if total is not None:
                self.landing.mark(f"{endpoint.name}/total", str(total))
        if total is not None:
            self.totals[endpoint.name] = total
        return total

    def _walk(self, endpoint: Endpoint, total: int | None, *, with_rows: bool) -> Ids:
        """All live ids, page by page, landed as they come; with rows, their records too."""
        name = endpoint.name
        walked = Ids(self.landing.landed_ids(f"{name}_ids"))
        for page in self._steps(
            f"{name}/walk", lambda start: self.reader.walk(endpoint, start, with_rows=with_rows)
        ):
            if page.rows:
                self._land(name, "list", page)
            elif with_rows:
                # A URL with all fields would be refused; a batch carries them in its body, with history.
                self._by_id(endpoint, walked.without(page.names), label="batch")
            self.landing.write(f"{name}_ids", "ids", [{"id": item} for item in page.names], page.received_at)
            walked.update(page.names)
            self.progress(name, len(walked), total)
        return walked

    def _changed(self, endpoint: Endpoint, hi: datetime) -> None:
        """Everything that the CRM shows in tonight's window."""
        window = windows.next_window(
            self.state.closed_until[endpoint.name], hi, overlap=timedelta(seconds=self.source.overlap_seconds)
        )
        if window.is_empty:
            return
        seen: set[str] = set()
        for page in self._steps(f"{endpoint.name}/changed", lambda _: self.reader.changed(endpoint, window)):
            if page.ids is None:
                self._land(endpoint.name, "search", page, window=str(window))
            else:
                self._by_id(endpoint, page.ids, label="batch", window=str(window))
            seen.update(page.names)
            self.progress(endpoint.name, len(seen), page.total)

    def _by_id(
        self, endpoint: Endpoint, ids: Sequence[str], *, label: str, window: str | None = None
    ) -> None:
        """Records by id, with their history. Ids that are gone do not come back: they are gone."""
        if not ids:
            return
        rows = size = 0
        for page in self.reader.by_id(endpoint, ids):
            self._land(endpoint.name, label, page, window=window)
            rows, size = rows + len(page.rows), page.size
        self.needed += -(-len(ids) // max(size, 1))

    # --- what hangs on records ---

    def _links(self, endpoint: Endpoint, target: str) -> None:
        """The links of every record: a link changes without touching its ends.

        Where that would take too many calls, those of what changed and of open deals; the rest waits for the
        night that reads everything.
        """
        parents = Ids(self.received[endpoint.name])
        held = self.state.live_ids.get(endpoint.name, frozenset())
        if len(held) <= LINKS_OF_ALL:
            parents.update(held)
        elif endpoint.name == "deals":
            parents.update(self.state.open_deal_ids)
        name = f"{endpoint.name}_{target}"
        self.landing.object(name)

        def pages(start: str | None) -> Iterator[Page]:
            done = int(start or 0)
            for asked in windows.chunks(islice(parents, done, None), LINK_PARENTS):
                for page in self.reader.links(endpoint, target, asked):
                    self._land(name, "associations", page)
                done += LINK_PARENTS
                yield Page((), self.clock(), following=str(done), size=LINK_PARENTS)
                self.progress(name, min(done, len(parents)), len(parents))

        for _ in self._steps(f"{name}/links", pages, rows=len(parents)):
            pass

    def _children(self, endpoint: Endpoint, name: str) -> None:
        """What hangs on each record that changed, one record after the other."""
        child = next(item for item in self.reader.endpoints if item.name == name)
        self.landing.object(name)
        listed = sorted(self.received[endpoint.name], key=windows.by_number)

        def pages(start: str | None) -> Iterator[Page]:
            for at in range(int(start or 0), len(listed)):
                for page in self.reader.child_rows(endpoint, child, listed[at]):
                    self._land(name, "list", page)
                yield Page((), self.clock(), following=str(at + 1))
                self.progress(name, at + 1, len(listed))

        for _ in self._steps(f"{name}/children", pages, rows=len(listed)):
            pass

    # --- helpers ---

    def _steps(
        self, key: str, pages: Callable[[str | None], Iterator[Page]], *, rows: int | None = None
    ) -> Iterator[Page]:
        """The pages of one list from where it was left; after each, how far it got is put down."""
        reached = self.landing.reached(key)
        if reached is not None and reached.is_done:
            return
        seen, size = 0, 1
        for page in pages(reached.following if reached else None):
            yield page
            self.notes += page.notes
            seen, size = seen + len(page.names), max(size, page.size)
            # A list of several parts, such as owners live and archived, ends only when all of them did.
            if page.following is not None:
                self.landing.mark(key, page.following)
        self.landing.mark(key, None)
        self.needed += max(-(-(seen if rows is None else rows) // size), 1 if rows is None else 0)

    def _land(self, name: str, label: str, page: Page, *, window: str | None = None) -> None:
        """Write one page; pages are numbered as they arrive, and a later page is newer."""
        self.landing.write(name, label, page.rows, page.received_at, window=window)
        if name in self.received:
            self.received[name].update(str(row["id"]) for row in page.rows if not row.get("archived"))
