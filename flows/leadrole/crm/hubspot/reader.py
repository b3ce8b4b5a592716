"""One night with HubSpot: owners, stages, records with their history, what is gone, and links.

Everything is read the first time and every `full_reread_days`. In between, a search finds what changed in a
closed window, the list of archived records finds those (archiving changes no date), and a walk over all live
ids finds what search has not shown yet and what is gone without a trace (merged, erased).
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from leadrole.crm import windows
from leadrole.crm.client import BearerAuth, Client, RateLimiter, Reply
from leadrole.crm.hubspot import quirks
from leadrole.crm.hubspot.endpoints import (
    DEALS,
    LAYOUTS,
    MAX_ASSOCIATIONS_BATCH,
    MAX_HISTORY_BATCH,
    MAX_PAGE,
    MAX_SEARCH_PAGE,
    OBJECTS,
)
from leadrole.crm.spec import Endpoint, PageProgress, SourceState
from leadrole.errors import LeadroleError, SourceContractError, SourceUnavailableError
from leadrole.landing import Coverage, LandingWriter, Manifest, write_manifest
from leadrole.run import Run
from leadrole.settings import HubspotSource

Record = dict[str, Any]
WINDOW_TRIES = 3


def extract(
    source: HubspotSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Manifest:
    """Land one night of HubSpot, whole or not at all."""
    token = source.token.get_secret_value()

    def limiter(count: int, seconds: float) -> RateLimiter:
        return RateLimiter(count, seconds, monotonic=monotonic, sleep=sleep)

    with (
        Client(
            source.base_url,
            auth=BearerAuth(token),
            secrets=[token],
            explain=quirks.explain,
            limiter=limiter(source.rate_limit.per_10_seconds, 10),
            search_limiter=limiter(source.rate_limit.search_per_second, 1),
            clock=clock,
            sleep=sleep,
            monotonic=monotonic,
        ) as client,
        LandingWriter(run.landing_dir, source=source.name, run_id=run.run_id) as landing,
    ):
        return _Night(source, state, run, progress, client, landing, clock).read()


class _Night:
    """The state of one extraction: what was landed and which ids were seen."""

    def __init__(
        self,
        source: HubspotSource,
        state: SourceState,
        run: Run,
        progress: PageProgress,
        client: Client,
        landing: LandingWriter,
        clock: Callable[[], datetime],
    ) -> None:
        self.source = source
        self.state = state
        self.run = run
        self.progress = progress
        self.client = client
        self.landing = landing
        self.clock = clock
        self.layout = LAYOUTS[source.api_version]
        self.page_size = min(source.page_size, MAX_PAGE)
        self.pages: dict[str, int] = {}
        self.received: dict[str, set[str]] = {}  # live ids landed tonight
        self.walked: dict[str, int] = {}
        self.totals: dict[str, int] = {}

    def read(self) -> Manifest:
        """Read everything in order and write the manifest."""
        hi = self._owners()
        self._stages()
        is_full = not {endpoint.name for endpoint in OBJECTS} <= set(self.state.closed_until)
        is_full = is_full or windows.is_full_due(
            self.state.last_full, hi, every=timedelta(days=self.source.full_reread_days)
        )
        for endpoint in OBJECTS:
            self._object(endpoint, hi, is_full=is_full)
        if not any(self.walked.values()):
            raise SourceUnavailableError(
                "HubSpot answered, and holds not one contact, deal, call, email or meeting: 0 of at least 1 expected",
                next_step="check that the service key belongs to the right account and has its read scopes",
            )
        for endpoint in OBJECTS:
            for target in endpoint.links:
                self._links(endpoint, target)
        closed_until = {
            endpoint.name: max(hi, self.state.closed_until.get(endpoint.name, hi)) for endpoint in OBJECTS
        }
        high_water = min(closed_until.values())
        manifest = Manifest(
            run_id=self.run.run_id,
            source=self.source.name,
            kind=self.source.kind,
            started_at=self.run.started_at,
            high_water=high_water,
            is_full=is_full,
            files=self.landing.close(),
            closed_until=closed_until,
            crm_totals=self.totals,
            walked=tuple(endpoint.name for endpoint in OBJECTS),
            coverage=tuple(Coverage(endpoint.name, True, high_water) for endpoint in OBJECTS),
            calls=self.client.calls,
            accept_shrink=self.state.accept_shrink,
        )
        write_manifest(self.run.landing_dir, manifest)
        return manifest

    # --- reference data ---

    def _owners(self) -> datetime:
        """Land all owners; the first answer's clock decides where tonight's window ends."""
        path = self._path(self.layout.owners)
        hi: datetime | None = None
        for archived in ("false", "true"):
            for reply in self._list(path, {"limit": str(self.page_size), "archived": archived}):
                if hi is None:
                    ours = self.clock()
                    hi = windows.high_water(
                        reply.server_time or ours,
                        ours,
                        settle=timedelta(seconds=self.source.settle_seconds),
                        max_skew=timedelta(minutes=self.source.max_clock_skew_minutes),
                    )
                rows = [quirks.owner(record) for record in self._results(reply, "owners")]
                self._land("owners", "owners", rows, reply)
        assert hi is not None  # follow() gives at least one page
        return hi

    def _stages(self) -> None:
        reply = self.client.get(self._path(self.layout.pipelines, type="deals"))
        pipelines = self._results(reply, "pipelines")
        known = [str(pipeline["id"]) for pipeline in pipelines]
        for wanted in self.source.deal_pipelines:
            if wanted not in known:
                near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.4)
                raise SourceContractError(
                    f"deal_pipelines names {wanted}, which HubSpot does not have (it has {', '.join(known[:20])})",
                    next_step=f"write {near[0]} in the config"
                    if near
                    else "correct deal_pipelines in the config",
                )
        self._land(
            "deal_stages",
            "pipelines",
            [row for pipeline in pipelines for row in quirks.stages(pipeline)],
            reply,
        )

    # --- records ---

    def _object(self, endpoint: Endpoint, hi: datetime, *, is_full: bool) -> None:
        held = self.state.live_ids.get(endpoint.name, frozenset())
        ignored = self.state.ignored_ids.get(endpoint.name, frozenset())
        received = self.received.setdefault(endpoint.name, set())
        properties = _Properties(endpoint)
        self.landing.object(endpoint.name)
        total = self._total(endpoint)
        self.totals[endpoint.name] = total
        if is_full:
            walked = self._read_all(endpoint, properties, total)
            self._archived(endpoint, properties)
            appeared: frozenset[str] = frozenset()
        else:
            window = windows.next_window(
                self.state.closed_until[endpoint.name],
                hi,
                overlap=timedelta(seconds=self.source.overlap_seconds),
            )
            if not window.is_empty:
                self._changed(endpoint, window, properties)
            self._archived(endpoint, properties)
            walked = set()
            for ids in self._walk(endpoint, total):
                walked.update(ids)
            appeared = windows.reconcile(held | ignored | received, walked).appeared
        if len(walked) < total:
            # Search lags: records that were removed in the last minutes may still be in its count.
            total = self.totals[endpoint.name] = self._total(endpoint)
        windows.total_guard(endpoint.name, len(walked), total)
        windows.shrink_guard(
            endpoint.name, len(held | ignored), len(walked), accepted=self.state.accept_shrink
        )
        self.walked[endpoint.name] = len(walked)
        # A record that the walk missed while the list shifted under it answers when asked by name.
        missing = windows.reconcile(held | received, walked).missing
        self._batch(endpoint, sorted(appeared | missing, key=_by_number), properties, label="walk")
        self._check_properties(endpoint, properties)

    def _total(self, endpoint: Endpoint) -> int:
        """HubSpot's own count of live records, from an index that is independent of the list."""
        body = {"filterGroups": [], "properties": ["hs_object_id"], "limit": 1}
        reply = self.client.search(self._path(self.layout.search, type=endpoint.type), body)
        total = reply.body.get("total") if isinstance(reply.body, dict) else None
        if not isinstance(total, int):
            raise SourceContractError(
                f"HubSpot's search over {endpoint.name} gives no total",
                next_step="report it to Leadrole: HubSpot's API has changed",
            )
        return total

    def _walk(self, endpoint: Endpoint, total: int) -> Iterator[list[str]]:
        """All live ids, page by page, landed as they come."""
        name = f"{endpoint.name}_ids"
        self.landing.object(name)
        path = self._path(self.layout.objects, type=endpoint.type)
        seen = 0
        params = {"limit": str(self.page_size), "archived": "false", "properties": "hs_object_id"}
        for reply in self._list(path, params):
            ids = [str(record["id"]) for record in self._results(reply, endpoint.name)]
            self._land(name, "ids", [{"id": record_id} for record_id in ids], reply)
            seen += len(ids)
            self.progress(endpoint.name, seen, total)
            yield ids

    def _read_all(self, endpoint: Endpoint, properties: _Properties, total: int) -> set[str]:
        walked: set[str] = set()
        if endpoint.first_load == "batch":
            # A URL with all properties would be refused (414); a batch carries them in its body, with history.
            for ids in self._walk(endpoint, total):
                self._batch(endpoint, [item for item in ids if item not in walked], properties, label="batch")
                walked.update(ids)
            return walked
        name = f"{endpoint.name}_ids"
        self.landing.object(name)
        path = self._path(self.layout.objects, type=endpoint.type)
        params = {
            "limit": str(self.page_size),
            "archived": "false",
            "properties": ",".join(endpoint.fields),
        }
        for reply in self._list(path, params):
            records = self._records(endpoint, reply, properties, label="list")
            walked.update(record["id"] for record in records)
            self._land(name, "ids", [{"id": record["id"]} for record in records], reply)
            self.progress(endpoint.name, len(walked), total)
        return walked

    def _changed(self, endpoint: Endpoint, window: windows.Window, properties: _Properties) -> None:
        """Everything that search shows in the window; with history where that is kept."""
        ids: set[str] = set()
        told = 0
        for attempt in range(WINDOW_TRIES):
            told = 0
            pages = self._offset_pages if attempt == WINDOW_TRIES - 1 else self._keyset_pages
            for reply, total in pages(endpoint, window):
                told = max(told, total)
                found = self._results(reply, endpoint.name)
                new = [str(record["id"]) for record in found if str(record["id"]) not in ids]
                if endpoint.history:
                    self._batch(endpoint, new, properties, label="batch", window=str(window))
                else:
                    self._records(endpoint, reply, properties, label="search", window=str(window))
                ids.update(new)
                self.progress(endpoint.name, len(ids), told)
            # A record that is touched while we read leaves the window, and the next look's total with it.
            if len(ids) >= told:
                return
        raise SourceUnavailableError(
            f"{endpoint.name}: HubSpot's search told of {told:,} changed records and gave {len(ids):,}",
            next_step="run again later; a partial night is never published",
        )

    def _search_body(self, endpoint: Endpoint, window: windows.Window, last: int | None) -> dict[str, Any]:
        filters = [
            {"propertyName": endpoint.cursor, "operator": "GTE", "value": _epoch(window.lo)},
            {"propertyName": endpoint.cursor, "operator": "LT", "value": _epoch(window.hi)},
        ]
        if last:
            filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": str(last)})
        return {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": [endpoint.cursor] if endpoint.history else list(endpoint.fields),
            "limit": min(MAX_SEARCH_PAGE, 2 * self.page_size),
        }

    def _keyset_pages(self, endpoint: Endpoint, window: windows.Window) -> Iterator[tuple[Reply, int]]:
        path = self._path(self.layout.search, type=endpoint.type)
        replies: list[Reply] = []
        first_total: int | None = None

        def fetch(last: int) -> tuple[Sequence[Record], bool]:
            body = self._search_body(endpoint, window, last)
            reply = self.client.search(path, body)
            rows = self._results(reply, endpoint.name)
            replies.append(reply)
            return rows, self._next(reply) is not None or len(rows) >= body["limit"]

        for _ in windows.keyset(fetch, lambda record: str(record["id"])):
            reply = replies[-1]
            replies.clear()
            if first_total is None:
                first_total = int(reply.body.get("total") or 0)
            yield reply, first_total
        if first_total is None and replies and int(replies[-1].body.get("total") or 0):
            yield replies[-1], int(replies[-1].body["total"])  # a total without rows: tell it, look again

    def _offset_pages(self, endpoint: Endpoint, window: windows.Window) -> Iterator[tuple[Reply, int]]:
        """The last resort when pages by id don't add up, as when a page comes unsorted."""
        path = self._path(self.layout.search, type=endpoint.type)
        body = self._search_body(endpoint, window, None)

        def fetch(token: str | None) -> tuple[Reply, str | None]:
            reply = self.client.search(path, {**body, **({"after": token} if token else {})})
            return reply, self._next(reply)

        for reply in windows.follow(fetch):
            yield reply, int(reply.body.get("total") or 0)

    def _archived(self, endpoint: Endpoint, properties: _Properties) -> None:
        """The archived records of the last 90 days; archiving changes no date, so all are listed each night."""
        path = self._path(self.layout.objects, type=endpoint.type)
        params = {"limit": str(self.page_size), "archived": "true", "properties": ",".join(endpoint.fields)}
        for reply in self._list(path, params):
            self._records(endpoint, reply, properties, label="archived", archived=True)

    def _batch(
        self,
        endpoint: Endpoint,
        ids: Iterable[str],
        properties: _Properties,
        *,
        label: str,
        window: str | None = None,
    ) -> None:
        """Records by id, with their history. Ids that are gone come back as errors of a 207: they are gone."""
        path = self._path(self.layout.batch_read, type=endpoint.type)
        size = min(MAX_HISTORY_BATCH, self.page_size) if endpoint.history else self.page_size
        for chunk in windows.chunks(ids, size):
            body: dict[str, Any] = {
                "properties": list(endpoint.fields),
                "inputs": [{"id": record_id} for record_id in chunk],
            }
            if endpoint.history:
                body["propertiesWithHistory"] = list(endpoint.history)
            reply = self.client.post(path, body, params={"archived": "false"})
            self._check_batch(endpoint, reply)
            self._records(endpoint, reply, properties, label=label, window=window)

    def _check_batch(self, endpoint: Endpoint, reply: Reply) -> None:
        for error in reply.body.get("errors") or []:
            told = f"{error.get('category')} {error.get('subCategory')} {error.get('message')}".lower()
            if "not_found" not in told and "not found" not in told and "could not get some" not in told:
                raise SourceUnavailableError(
                    f"HubSpot gave only part of a batch of {endpoint.name} ({str(error.get('category'))[:60]})",
                    next_step="run again later; a partial night is never published",
                )

    def _records(
        self,
        endpoint: Endpoint,
        reply: Reply,
        properties: _Properties,
        *,
        label: str,
        window: str | None = None,
        archived: bool = False,
    ) -> list[Record]:
        found = self._results(reply, endpoint.name)
        properties.see(found)
        records = [quirks.trimmed(record, endpoint) for record in found]
        for record in records:
            record["archived"] = archived or record["archived"]
        self._land(endpoint.name, label, records, reply, window=window)
        self.received[endpoint.name].update(record["id"] for record in records if not record["archived"])
        return records

    def _check_properties(self, endpoint: Endpoint, properties: _Properties) -> None:
        missing = sorted(properties.unseen() - endpoint.may_lack)
        if not properties.any_record or not missing:
            return
        # HubSpot drops a name that it does not know without a word; a column of nothing would look like data.
        try:
            reply = self.client.get(self._path(self.layout.properties, type=endpoint.type))
            known = [str(item.get("name")) for item in self._results(reply, "properties")]
        except LeadroleError:
            known = []
        near = difflib.get_close_matches(missing[0], known, n=1, cutoff=0.7)
        hint = f"; was it renamed to {near[0]}?" if near else ""
        raise SourceContractError(
            f"HubSpot's {endpoint.name} no longer have the property {', '.join(missing)}, which the marts need{hint}",
            next_step="restore the property in HubSpot, or update Leadrole",
        )

    # --- links ---

    def _links(self, endpoint: Endpoint, target: str) -> None:
        """The links of everything that changed, and of every open deal: a link changes without touching its ends."""
        parents = set(self.received[endpoint.name])
        if endpoint is DEALS:
            parents |= self.state.open_deal_ids
        name = f"{endpoint.name}_{target}"
        self.landing.object(name)
        path = self._path(self.layout.associations, from_type=endpoint.type, to_type=target)
        done = 0
        size = min(MAX_ASSOCIATIONS_BATCH, 10 * self.page_size)
        for chunk in windows.chunks(sorted(parents, key=_by_number), size):
            found: dict[str, list[dict[str, str]]] = {}
            inputs: list[dict[str, str]] = [{"id": parent} for parent in chunk]
            seen: set[tuple[str, str]] = set()
            while inputs:
                reply = self.client.post(path, {"inputs": inputs})
                page, following = quirks.links(reply.body, [item["id"] for item in inputs])
                for parent, links in page.items():
                    found.setdefault(parent, []).extend(links)
                inputs = [{"id": parent, "after": after} for parent, after in following.items()]
                if seen & set(following.items()):
                    raise SourceUnavailableError(
                        f"paging loop in the links of {name}", next_step="run again later"
                    )
                seen |= set(following.items())
            self._land(name, "associations", [{"id": parent, "to": found[parent]} for parent in chunk], reply)
            done += len(chunk)
            self.progress(name, done, len(parents))

    # --- helpers ---

    def _path(self, template: str, **names: str) -> str:
        return template.format(version=self.source.api_version, **names)

    def _list(self, path: str, params: dict[str, str]) -> Iterator[Reply]:
        def fetch(token: str | None) -> tuple[Reply, str | None]:
            reply = self.client.get(path, {**params, **({"after": token} if token else {})})
            return reply, self._next(reply)

        return windows.follow(fetch)

    def _next(self, reply: Reply) -> str | None:
        following = (
            ((reply.body.get("paging") or {}).get("next") or {}) if isinstance(reply.body, dict) else {}
        )
        if following.get("link"):
            self.client.check_link(str(following["link"]))
        after = following.get("after")
        return None if after in (None, "") else str(after)

    @staticmethod
    def _results(reply: Reply, what: str) -> list[Record]:
        results = reply.body.get("results") if isinstance(reply.body, dict) else None
        key = "name" if what == "properties" else "id"
        if not isinstance(results, list) or not all(isinstance(row, dict) and key in row for row in results):
            raise SourceContractError(
                f"HubSpot's answer for {what} has no list of results with ids",
                next_step="run again; if it stays, report it to Leadrole: HubSpot's API has changed",
            )
        return results

    def _land(
        self, name: str, endpoint: str, records: Sequence[Record], reply: Reply, *, window: str | None = None
    ) -> None:
        """Write one page; pages are numbered as they arrive, and a later page is newer."""
        writer = self.landing.object(name)
        page = self.pages[name] = self.pages.get(name, 0) + 1
        for record in records:
            writer.write(record, endpoint=endpoint, page=page, received_at=reply.received_at, window=window)


class _Properties:
    """Which of the asked-for properties HubSpot knows: a known one comes back, even if empty."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._unseen = set(endpoint.fields)
        self.any_record = False

    def see(self, records: Iterable[Record]) -> None:
        for record in records:
            self.any_record = True
            if not self._unseen:
                return
            self._unseen -= set(record.get("properties") or {})

    def unseen(self) -> set[str]:
        return self._unseen


def _epoch(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))


def _by_number(record_id: str) -> tuple[int, str]:
    return (int(record_id), record_id) if record_id.isdecimal() else (0, record_id)
