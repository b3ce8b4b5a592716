"""What a CRM is, as data: its endpoints, fields, cursors and limits, and what we already hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class Endpoint:
    """One kind of record and how it is read."""

    name: str  # ours: the landing directory and the raw table
    type: str  # the CRM's name in its paths
    fields: tuple[str, ...]  # asked for, landed and kept; nothing else is
    cursor: str  # the field that says when a record last changed
    history: tuple[str, ...] = ()  # fields whose every value is kept
    links: tuple[str, ...] = ()  # kinds of record whose links hang on this one
    first_load: Literal["batch", "list"] = "list"
    may_lack: frozenset[str] = frozenset()  # fields that some accounts do not have


@dataclass(frozen=True)
class Layout:
    """The CRM's paths in one version of its API; {type}, {from_type} and {to_type} are filled in."""

    objects: str
    search: str
    batch_read: str
    associations: str
    owners: str
    pipelines: str
    properties: str


@dataclass(frozen=True)
class SourceState:
    """What the warehouse holds of a source, which decides what is read tonight."""

    source: str
    closed_until: Mapping[str, datetime] = field(default_factory=dict)
    live_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Held, but not live to us: in a pipeline that is not ours. Known, so that they aren't read every night.
    ignored_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    open_deal_ids: frozenset[str] = frozenset()
    last_full: datetime | None = None
    accept_shrink: bool = False  # a person said that most records were removed on purpose


class PageProgress(Protocol):
    """Told after each page, so that someone can watch a long read."""

    def __call__(self, object_name: str, rows: int, total: int | None, /) -> None:
        """`rows` so far of one object, of `total` if that is known beforehand."""


def no_progress(object_name: str, rows: int, total: int | None, /) -> None:
    """Nobody watches."""
