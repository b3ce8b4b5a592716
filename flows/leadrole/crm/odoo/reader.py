"""Odoo's answers to the loop's questions: conditions, pages by id, counts."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from leadrole.crm import windows
from leadrole.crm.client import Client, RateLimiter, Reply
from leadrole.crm.loop import read_night
from leadrole.crm.odoo import quirks
from leadrole.crm.odoo.endpoints import DOMAINS, ENDPOINTS, TRACKED_FIELDS, TRACKING_VALUES, Domain
from leadrole.crm.odoo.rpc import DatabaseAuth, Rpc
from leadrole.crm.spec import Endpoint, Page, PageProgress, SourceState
from leadrole.errors import MissingPermissionError, SourceContractError, SourceUnavailableError
from leadrole.landing import Manifest
from leadrole.privacy import pseudonym_key
from leadrole.run import Run
from leadrole.settings import OdooSource

Record = dict[str, Any]


def extract(
    source: OdooSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Manifest:
    """Land one night of Odoo, whole or not at all."""
    token = source.token.get_secret_value()
    with Client(
        source.base_url,
        auth=DatabaseAuth(token, source.database) if source.protocol == "json2" else None,
        secrets=[token],
        explain=quirks.explain,
        limiter=RateLimiter(source.rate_limit.per_10_seconds, 10, monotonic=monotonic, sleep=sleep),
        numbers_as_text=True,
        clock=clock,
        sleep=sleep,
        monotonic=monotonic,
    ) as client:
        reader = OdooReader(source, Rpc(source, client), pseudonym_key(run.pseudonym_key_path))
        return read_night(reader, source, state, run, progress, client, clock)


class OdooReader:
    """The reader of one database (see `crm.spec.Reader`)."""

    label = "Odoo"
    endpoints = ENDPOINTS

    def __init__(self, source: OdooSource, rpc: Rpc, key: bytes) -> None:
        self.rpc = rpc
        self.key = key
        self.page_size = source.page_size
        self.fields: dict[str, list[str]] = {}
        self.tracked: list[int] | None = None

    # --- what the loop asks ---

    def references(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """A short list, archived entries among it."""
        return self._records(endpoint, [], start)

    def count(self, endpoint: Endpoint) -> int | None:
        """Odoo's own count, archived and lost records included."""
        reply = self.rpc.call(endpoint.type, "search_count", domain=self._domain(endpoint))
        total: object = reply.body
        if isinstance(total, bool) or not isinstance(total, int):
            raise self._unlike(endpoint, "number")
        return total

    def walk(self, endpoint: Endpoint, start: str | None, *, with_rows: bool) -> Iterator[Page]:
        """Every record by id; what is deleted or merged away leaves no other trace than its absence here."""
        return self._records(endpoint, [], start) if with_rows else self._ids(endpoint, start)

    def changed(self, endpoint: Endpoint, window: windows.Window) -> Iterator[Page]:
        """Every record written in the window."""
        ours: Domain = [
            [endpoint.cursor, ">=", quirks.moment(window.lo)],
            [endpoint.cursor, "<", quirks.moment(window.hi)],
        ]
        return self._records(endpoint, ours, None)

    def removed(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """Odoo keeps no list of what was deleted."""
        return iter(())

    def by_id(self, endpoint: Endpoint, ids: Sequence[str]) -> Iterator[Page]:
        """Records by id; those that are gone are left out."""
        for chunk in windows.chunks(ids, self.page_size):
            yield from self._records(endpoint, [["id", "in", [int(one) for one in chunk]]], None)

    def links(self, endpoint: Endpoint, target: str, parents: Sequence[str]) -> Iterator[Page]:
        """What a record hangs on is one of its fields."""
        return iter(())

    def child_rows(self, endpoint: Endpoint, child: Endpoint, parent: str) -> Iterator[Page]:
        """Messages and tracking values have lists of their own."""
        return iter(())

    def finish(self, endpoint: Endpoint) -> None:
        """A field that is not there any more was told before the first page (see `_fields`)."""

    # --- pages ---

    def _records(self, endpoint: Endpoint, ours: Domain, start: str | None) -> Iterator[Page]:
        def fetch(domain: Domain) -> Reply:
            return self.rpc.call(
                endpoint.type,
                "search_read",
                domain=domain,
                fields=self._fields(endpoint),
                limit=self.page_size,
                order="id",
            )

        for reply, last in self._pages(endpoint, ours, start, fetch):
            rows: list[Record] = reply.body
            if endpoint is TRACKED_FIELDS:
                self.tracked = [*(self.tracked or []), *(int(row["id"]) for row in rows)]
            yield self._page(reply, [quirks.landed(row, endpoint, self.key) for row in rows], None, last)

    def _ids(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        def fetch(domain: Domain) -> Reply:
            return self.rpc.call(endpoint.type, "search", domain=domain, limit=self.page_size, order="id")

        for reply, last in self._pages(endpoint, [], start, fetch):
            yield self._page(reply, (), [str(one) for one in reply.body], last)

    def _pages(
        self, endpoint: Endpoint, ours: Domain, start: str | None, fetch: Callable[[Domain], Reply]
    ) -> Iterator[tuple[Reply, int | None]]:
        """Answers by "id greater than the last one", each with that last id while more may follow.

        An offset would skip a record whenever one before it goes, and thousands may share a `write_date`.
        """
        last = int(start or 0)
        while True:
            reply = fetch([*self._domain(endpoint), *ours, ["id", ">", last]])
            ids = self._checked(endpoint, reply.body)
            highest = max(ids, default=last)
            if ids and highest <= last:
                raise SourceUnavailableError(
                    f"paging loop: a page of {endpoint.name} holds no id beyond the last page's",
                    next_step="run again later; if it stays, report it to Leadrole",
                )
            last = highest
            is_end = len(ids) < self.page_size
            yield reply, None if is_end else last
            if is_end:
                return

    def _page(
        self, reply: Reply, rows: Sequence[Record], ids: Sequence[str] | None, last: int | None
    ) -> Page:
        return Page(
            rows,
            reply.received_at,
            following=None if last is None else str(last),
            ids=ids,
            size=self.page_size,
            server_time=reply.server_time,
        )

    def _checked(self, endpoint: Endpoint, body: Any) -> list[int]:
        """The ids on a page, after making sure that it is one."""
        if not isinstance(body, list):
            raise self._unlike(endpoint, "list")
        named = [row.get("id") if isinstance(row, dict) else row for row in body]
        ids = [one for one in named if isinstance(one, int)]
        if len(ids) < len(named):
            raise self._unlike(endpoint, "list of records with ids")
        return ids

    @staticmethod
    def _unlike(endpoint: Endpoint, wanted: str) -> SourceContractError:
        return SourceContractError(
            f"Odoo's answer for {endpoint.name} is no {wanted}",
            next_step="run again; if it stays, report it to Leadrole: Odoo's API has changed",
        )

    # --- what there is to ask for ---

    def _domain(self, endpoint: Endpoint) -> Domain:
        if endpoint is TRACKING_VALUES:
            return [["field_id", "in", self._tracked_ids()]]
        return DOMAINS.get(endpoint.name, [])

    def _tracked_ids(self) -> list[int]:
        """The ids of the fields whose changes we follow: of the list read tonight, or asked for if it is not."""
        if self.tracked is None:
            # A read that goes on where it broke off has that list already, in landing.
            for _ in self._records(TRACKED_FIELDS, [], None):
                pass
        if not self.tracked:
            raise MissingPermissionError(
                "the key's user has no right to read ir.model.fields",
                next_step="use the key of a user with that right; an administrator's reads everything",
            )
        return self.tracked

    def _fields(self, endpoint: Endpoint) -> list[str]:
        """The fields to ask for, by what the database says that it has."""
        if endpoint.name not in self.fields:
            known = self._known(endpoint, quirks.names(endpoint))
            try:
                self.fields[endpoint.name] = quirks.asked(endpoint, known)
            except SourceContractError as error:
                lost = next(name for name in quirks.names(endpoint) if name not in known | endpoint.may_lack)
                near = difflib.get_close_matches(lost, sorted(self._known(endpoint, [])), n=1, cutoff=0.7)
                hint = f"; was it renamed to {near[0]}?" if near else ""
                raise SourceContractError(f"{error.message}{hint}", next_step=error.next_step) from None
        return self.fields[endpoint.name]

    def _known(self, endpoint: Endpoint, names: list[str]) -> set[str]:
        """Which of these fields the model has; of no names, all that it has."""
        reply = self.rpc.call(endpoint.type, "fields_get", allfields=names, attributes=["type"])
        if not isinstance(reply.body, dict):
            raise self._unlike(endpoint, "list of fields")
        return set(reply.body)
