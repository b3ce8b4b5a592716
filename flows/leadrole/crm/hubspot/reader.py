"""HubSpot's answers to the loop's questions: lists, search, batches, associations."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from leadrole.crm import windows
from leadrole.crm.client import Client, RateLimiter, Reply, Shape
from leadrole.crm.hubspot import quirks, shapes
from leadrole.crm.hubspot.access import access
from leadrole.crm.hubspot.endpoints import (
    ENDPOINTS,
    LAYOUTS,
    LEAD_STAGES,
    LEADS,
    MAX_ASSOCIATIONS_BATCH,
    MAX_HISTORY_BATCH,
    MAX_PAGE,
    MAX_SEARCH_PAGE,
)
from leadrole.crm.loop import read_night
from leadrole.crm.spec import Endpoint, Page, PageProgress, SourceState
from leadrole.errors import LeadroleError, SourceContractError, SourceUnavailableError
from leadrole.landing import Manifest
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
    secrets: list[str] = []

    def limiter(count: int, seconds: float) -> RateLimiter:
        return RateLimiter(count, seconds, monotonic=monotonic, sleep=sleep)

    with Client(
        source.base_url,
        auth=access(source, run, secrets, clock=clock, sleep=sleep, monotonic=monotonic),
        secrets=secrets,
        explain=quirks.explain,
        limiter=limiter(source.rate_limit.per_10_seconds, 10),
        search_limiter=limiter(source.rate_limit.search_per_second, 1),
        most_share=source.max_allowance_share,
        clock=clock,
        sleep=sleep,
        monotonic=monotonic,
    ) as client:
        return read_night(HubspotReader(source, client), source, state, run, progress, client, clock)


class HubspotReader:
    """The reader of one account (see `crm.spec.Reader`)."""

    label = "HubSpot"

    def __init__(self, source: HubspotSource, client: Client) -> None:
        self.source = source
        self.client = client
        self.endpoints = tuple(
            item for item in ENDPOINTS if source.leads_object == "auto" or item not in (LEADS, LEAD_STAGES)
        )
        self.layout = LAYOUTS[source.api_version]
        self.page_size = min(source.page_size, MAX_PAGE)
        self.properties: dict[str, _Properties] = {}
        self._shown: dict[str, tuple[windows.Window, Set[str]]] = {}  # by search, of tonight's windows

    # --- reference data ---

    def references(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """Owners, live and archived, or the stages of all pipelines of a kind of record."""
        if endpoint.name == "owners":
            return self._owners(endpoint)
        return self._stages(endpoint)

    def _owners(self, endpoint: Endpoint) -> Iterator[Page]:
        path = self._path(self.layout.owners)
        for archived in ("false", "true"):
            for reply in self._list(path, {"limit": str(self.page_size), "archived": archived}):
                rows = [quirks.owner(record) for record in self._results(reply, endpoint.name)]
                yield self._page(reply, rows)

    def _stages(self, endpoint: Endpoint) -> Iterator[Page]:
        reply = self.client.get(self._path(self.layout.pipelines, type=endpoint.type))
        pipelines = self._results(reply, "pipelines")
        if endpoint.type == "deals":
            self._check_pipelines([str(pipeline["id"]) for pipeline in pipelines])
        rows = [row for pipeline in pipelines for row in quirks.stages(pipeline, endpoint)]
        page = self._page(reply, rows)
        yield replace(page, notes=self._lead_notes(rows)) if endpoint is LEAD_STAGES else page

    def _lead_notes(self, rows: Sequence[Record]) -> list[str]:
        """Say when no stage of a lead would count as qualified: own pipelines have own ids."""
        known = [str(row["fields"]["stage_id"]) for row in rows]
        wanted = self.source.qualified_lead_stages
        if not known or not wanted or set(wanted) & set(known):
            return []
        return [
            f"no lead pipeline has a stage of qualified_lead_stages ({', '.join(wanted)}): leads do not count as "
            f"qualified by their stage; name some of {', '.join(known[:20])}"
        ]

    def _check_pipelines(self, known: list[str]) -> None:
        for wanted in self.source.deal_pipelines:
            if wanted not in known:
                near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.4)
                raise SourceContractError(
                    f"deal_pipelines names {wanted}, which HubSpot does not have (it has {', '.join(known[:20])})",
                    next_step=f"write {near[0]} in the config"
                    if near
                    else "correct deal_pipelines in the config",
                )

    # --- records ---

    def count(self, endpoint: Endpoint) -> int | None:
        """HubSpot's own count of live records, from an index that is independent of the list."""
        body = {"filterGroups": [], "properties": ["hs_object_id"], "limit": 1}
        reply = self.client.search(self._path(self.layout.search, type=endpoint.type), body)
        self._note_allowance(reply)
        total = reply.body.get("total") if isinstance(reply.body, dict) else None
        if not isinstance(total, int):
            raise SourceContractError(
                f"HubSpot's search over {endpoint.name} gives no total",
                next_step="report it to Leadrole: HubSpot's API has changed",
            )
        return total

    def walk(self, endpoint: Endpoint, start: str | None, *, with_rows: bool) -> Iterator[Page]:
        """The list of live records; a URL with the properties of `lists_ids_only` would be refused (414).

        The list shows a change at once, search minutes or hours later. So after the ids come, by id, the records of
        tonight's window that search did not show.
        """
        shown = None if with_rows else self._shown.get(endpoint.name)
        late: list[str] = []
        carries = with_rows and not endpoint.lists_ids_only
        names = ",".join(endpoint.fields) if carries else "hs_object_id"
        params = {"limit": str(self.page_size), "archived": "false", "properties": names}
        path = self._path(self.layout.objects, type=endpoint.type)
        ids = shapes.ids if shown is None else shapes.dated_ids
        shape = partial(self._shape, endpoint) if carries else ids
        for reply in self._list(path, params, start, shape):
            if carries:
                yield self._records(endpoint, reply)
            else:
                found = self._results(reply, endpoint.name)
                if shown is not None:
                    late += quirks.unseen_changes(found, *shown)
                yield self._page(reply, (), ids=[str(record["id"]) for record in found])
        notes = [
            f"{endpoint.name}: HubSpot's search did not show {len(late):,} that had changed by the end of tonight's "
            "window; they were read by id"
        ]
        for page in self.by_id(endpoint, late):
            yield replace(page, ids=(), notes=notes)
            notes = []

    def changed(self, endpoint: Endpoint, window: windows.Window) -> Iterator[Page]:
        """Everything that search shows in the window; its ids where history is kept, which search can't give."""
        ids: set[str] = set()
        self._shown[endpoint.name] = (window, ids)
        told = 0
        for attempt in range(WINDOW_TRIES):
            told = 0
            pages = self._offset_pages if attempt == WINDOW_TRIES - 1 else self._keyset_pages
            for reply, total in pages(endpoint, window):
                told = max(told, total)
                found = self._results(reply, endpoint.name)
                new = [str(record["id"]) for record in found if str(record["id"]) not in ids]
                ids.update(str(record["id"]) for record in found)
                if endpoint.history:
                    yield self._page(reply, (), ids=new, total=told, size=MAX_SEARCH_PAGE)
                else:
                    yield self._records(endpoint, reply, total=told, size=MAX_SEARCH_PAGE)
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

        def fetch(last: int) -> tuple[Reply, list[int], bool]:
            body = self._search_body(endpoint, window, last)
            reply = self.client.search(path, body)
            ids = [int(record["id"]) for record in self._results(reply, endpoint.name)]
            return reply, ids, self._next(reply) is not None or len(ids) >= body["limit"]

        first_total: int | None = None
        for reply, _ in windows.keyset(fetch, 0):
            if first_total is None:
                first_total = int(reply.body.get("total") or 0)
            if reply.body["results"] or first_total:  # a total without rows: tell it, look again
                yield reply, first_total

    def _offset_pages(self, endpoint: Endpoint, window: windows.Window) -> Iterator[tuple[Reply, int]]:
        """The last resort when pages by id don't add up, as when a page comes unsorted."""
        path = self._path(self.layout.search, type=endpoint.type)
        body = self._search_body(endpoint, window, None)

        def fetch(token: str | None) -> tuple[Reply, str | None]:
            reply = self.client.search(path, {**body, **({"after": token} if token else {})})
            return reply, self._next(reply)

        for reply in windows.follow(fetch):
            yield reply, int(reply.body.get("total") or 0)

    def removed(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """The archived records of the last 90 days; archiving changes no date, so all are listed each night."""
        path = self._path(self.layout.objects, type=endpoint.type)
        params = {"limit": str(self.page_size), "archived": "true", "properties": ",".join(endpoint.fields)}
        for reply in self._list(path, params, start, partial(self._shape, endpoint)):
            yield self._records(endpoint, reply, archived=True)

    def by_id(self, endpoint: Endpoint, ids: Sequence[str]) -> Iterator[Page]:
        """Records by id, with their history. Ids that are gone come back as errors of a 207: they are gone."""
        path = self._path(self.layout.batch_read, type=endpoint.type)
        most = MAX_HISTORY_BATCH if endpoint.history else MAX_PAGE
        for chunk in windows.chunks(ids, min(most, self.page_size)):
            body: dict[str, Any] = {
                "properties": list(endpoint.fields),
                "inputs": [{"id": record_id} for record_id in chunk],
            }
            if endpoint.history:
                body["propertiesWithHistory"] = list(endpoint.history)
            shape = self._shape(endpoint)
            reply = self.client.post(path, body, params={"archived": "false"}, shape=shape)
            self._check_batch(endpoint, reply)
            yield self._records(endpoint, reply, size=most)

    def child_rows(self, endpoint: Endpoint, child: Endpoint, parent: str) -> Iterator[Page]:
        """HubSpot's history comes with the records."""
        return iter(())

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
        *,
        archived: bool = False,
        total: int | None = None,
        size: int = MAX_PAGE,
    ) -> Page:
        found = self._results(reply, endpoint.name)
        if found and isinstance(found[0], shapes.Known):
            rows = [shapes.row(record, endpoint) for record in found]
        else:
            if found:
                self.properties.setdefault(endpoint.name, _Properties(endpoint)).see(found)
            rows = [quirks.trimmed(record, endpoint) for record in found]
        for row in rows:
            row["archived"] = archived or row["archived"]
        return self._page(reply, rows, total=total, size=size)

    def finish(self, endpoint: Endpoint) -> None:
        """Refuse a property that HubSpot no longer knows: it drops such a name without a word."""
        properties = self.properties.get(endpoint.name)
        missing = sorted(properties.unseen()) if properties else []
        if not missing:
            return
        # A column of nothing would look like data.
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

    def links(self, endpoint: Endpoint, target: str, parents: Sequence[str]) -> Iterator[Page]:
        """The links of each parent, over as many pages as one parent may have."""
        path = self._path(self.layout.associations, from_type=endpoint.type, to_type=target)
        for chunk in windows.chunks(parents, min(MAX_ASSOCIATIONS_BATCH, 10 * self.page_size)):
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
                        f"paging loop in the links of {endpoint.name} to {target}",
                        next_step="run again later",
                    )
                seen |= set(following.items())
            yield self._page(reply, [{"id": parent, "to": found[parent]} for parent in chunk])

    # --- helpers ---

    def _path(self, template: str, **names: str) -> str:
        return template.format(version=self.source.api_version, **names)

    def _page(
        self,
        reply: Reply,
        rows: Sequence[Record],
        *,
        ids: Sequence[str] | None = None,
        total: int | None = None,
        size: int = MAX_PAGE,
    ) -> Page:
        self._note_allowance(reply)
        return Page(
            rows,
            reply.received_at,
            following=self._next(reply),
            ids=ids,
            total=total,
            size=size,
            server_time=reply.server_time,
        )

    def _note_allowance(self, reply: Reply) -> None:
        told = reply.headers.get("X-HubSpot-RateLimit-Daily", "")
        if told.isdecimal():
            self.client.allowance = int(told)

    def _shape(self, endpoint: Endpoint) -> Shape | None:
        """What records are decoded to, once the first of them were seen to have every property."""
        properties = self.properties.get(endpoint.name)
        return shapes.records(endpoint) if properties and not properties.unseen() else None

    def _list(
        self,
        path: str,
        params: dict[str, str],
        start: str | None = None,
        shape: Callable[[], Shape | None] = lambda: None,
    ) -> Iterator[Reply]:
        def fetch(token: str | None) -> tuple[Reply, str | None]:
            asked = {**params, **({"after": token} if token else {})}
            reply = self.client.get(path, asked, shape=shape())
            return reply, self._next(reply)

        return windows.follow(fetch, start)

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
        if isinstance(results, list) and results and isinstance(results[0], shapes.Known):
            return results
        key = "name" if what == "properties" else "id"
        if not isinstance(results, list) or not all(isinstance(row, dict) and key in row for row in results):
            raise SourceContractError(
                f"HubSpot's answer for {what} has no list of results with ids",
                next_step="run again; if it stays, report it to Leadrole: HubSpot's API has changed",
            )
        return results


class _Properties:
    """Which of the asked-for properties HubSpot knows: a known one comes back, even if empty."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._unseen = set(endpoint.fields) - endpoint.may_lack

    def see(self, records: Iterable[Record]) -> None:
        for record in records:
            if not self._unseen:
                return
            self._unseen -= set(record.get("properties") or {})

    def unseen(self) -> set[str]:
        return self._unseen


def _epoch(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))
