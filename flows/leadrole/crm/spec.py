"""What a CRM is, as data: its endpoints, fields, cursors and limits, what a reader of one answers, what we hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from leadrole.crm.windows import Window

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One kind of record and how it is read."""

    name: str  # ours: the landing directory and the raw table
    type: str  # the CRM's name in its paths
    fields: tuple[str, ...]  # asked for, landed and kept; nothing else is
    cursor: str = ""  # the field that says when a record last changed
    history: tuple[str, ...] = ()  # fields whose every value is kept
    links: tuple[str, ...] = ()  # kinds of record whose links hang on this one
    children: tuple[str, ...] = ()  # endpoints that are read per record of this one, after it changed
    lists_ids_only: bool = False  # its list can't carry the fields: they are asked for by id
    reads_whole: bool = False  # its list is as cheap with all fields: no window, everything every night
    only_grows: bool = False  # entries of a history: none is ever changed or taken back
    is_reference: bool = False  # a short list that is read whole each night; its dates are not relied on
    is_optional: bool = False  # some accounts or keys do not have it
    may_lack: frozenset[str] = frozenset()  # fields that some accounts do not have
    swallowed: str = ""  # the field in which a survivor names what was merged into it, with ; between
    survivor: str = ""  # the field in which a record that was merged away names its survivor
    # (endpoint, field): a record vanishes when it becomes one of that endpoint, which names it in that field.
    became: tuple[str, str] | None = None


@dataclass(frozen=True)
class Page:
    """What one call brought, in the shape in which it is landed."""

    rows: Sequence[Row]  # each with an "id"
    received_at: datetime
    following: str | None = None  # where the list goes on; None at its end
    ids: Sequence[str] | None = None  # the ids it names, if it carries no rows for them
    total: int | None = None  # how many there are in all, if the CRM says so
    size: int = 1  # how many rows a call can bring at most
    server_time: datetime | None = None
    notes: Sequence[str] = ()  # what a person should know about this night

    @property
    def names(self) -> Sequence[str]:
        """The ids on the page, with or without their rows."""
        return [str(row["id"]) for row in self.rows] if self.ids is None else self.ids


class Reader(Protocol):
    """How one CRM answers the loop's questions; everything else about a night is the loop's.

    `start` is the `following` of a page that was read before: the list goes on after it.
    """

    @property
    def label(self) -> str:
        """The CRM's name, for people."""

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """In the order in which they are read; references and children among them."""

    def references(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """A short list, whole."""

    def count(self, endpoint: Endpoint) -> int | None:
        """How many live records the CRM says there are, independent of the list; None if it can't say."""

    def walk(self, endpoint: Endpoint, start: str | None, *, with_rows: bool) -> Iterator[Page]:
        """Every live record; without rows, its ids are enough."""

    def changed(self, endpoint: Endpoint, window: Window) -> Iterator[Page]:
        """Every record that changed in the window, also those that were deleted if the CRM shows them."""

    def removed(self, endpoint: Endpoint, start: str | None) -> Iterator[Page]:
        """Records that the CRM lists as deleted, each with `archived: true`."""

    def by_id(self, endpoint: Endpoint, ids: Sequence[str]) -> Iterator[Page]:
        """Records by id; those that are gone are left out."""

    def links(self, endpoint: Endpoint, target: str, parents: Sequence[str]) -> Iterator[Page]:
        """For each parent a row `{"id", "to": [{"id", "type"}]}`; a parent without a link has an empty list."""

    def child_rows(self, endpoint: Endpoint, child: Endpoint, parent: str) -> Iterator[Page]:
        """The rows of `child` that hang on one record of `endpoint`."""

    def finish(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint whose answers showed that it is no longer what the marts need."""


@dataclass(frozen=True)
class Budget:
    """What a night cost the account: calls, and the vendor's own unit where that is another one."""

    calls: int = 0
    needed: int = 0  # calls that the same rows need at the vendor's largest pages, without one retry
    spent: int = 0  # calls, or tokens where the vendor counts those
    allowance: int | None = None  # of the vendor, a day; None if it is not known

    @property
    def share(self) -> float | None:
        """The part of the day's allowance that went to us tonight."""
        return self.spent / self.allowance if self.allowance else None


@dataclass(frozen=True)
class SourceState:
    """What the warehouse holds of a source, which decides what is read tonight."""

    source: str
    closed_until: Mapping[str, datetime] = field(default_factory=dict)
    live_ids: Mapping[str, Set[str]] = field(default_factory=dict)
    # Held, but not live to us: in a pipeline that is not ours. Known, so that they aren't read every night.
    ignored_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    open_deal_ids: frozenset[str] = frozenset()
    # Of records with children: their fields as one short text, to tell which differ from what we hold.
    fingerprints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    last_full: datetime | None = None
    accept_shrink: bool = False  # a person said that most records were removed on purpose


class PageProgress(Protocol):
    """Told after each page, so that someone can watch a long read."""

    def __call__(self, object_name: str, rows: int, total: int | None, /) -> None:
        """`rows` so far of one object, of `total` if that is known beforehand."""


def no_progress(object_name: str, rows: int, total: int | None, /) -> None:
    """Nobody watches."""
