"""HubSpot's answers as we know them: decoded to what is kept, and nothing else of them is ever made.

A first load spends most of its own time on turning JSON into dicts of which half is thrown away. An answer that
looks different in any place (a number for a text, say) does not fit: it is decoded to dicts and goes through
`quirks.trimmed`. Both ways give the same rows; test_extract_hubspot proves it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Required, TypedDict

import msgspec

from leadrole.crm.client import Shape
from leadrole.crm.hubspot import quirks
from leadrole.crm.spec import Endpoint

Text = str | None


class Known(msgspec.Struct, gc=False):
    """A record that came as we know it."""

    id: str

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class Dated(Known, gc=False):
    """A record of which only the id and the last change are used."""

    updatedAt: Text = None


class Entry(msgspec.Struct, gc=False):
    """One value that a property had; `row` puts who changed it in the place of what tells it."""

    value: Text = None
    timestamp: Text = None
    sourceType: Text = None
    sourceId: Text | msgspec.UnsetType = msgspec.UNSET
    updatedByUserId: int | Text | msgspec.UnsetType = msgspec.UNSET
    changedBy: Text = None


# Beside the records, what paging and failures of a part are told by.
AROUND = ("paging", "total", "status", "category", "message", "errors", "numErrors")


def _answer(record: type[msgspec.Struct]) -> Shape:
    """An answer with a list of records; without one, it does not fit."""
    parts: dict[str, Any] = {"results": Required[list[record]], **dict.fromkeys(AROUND, Any)}  # type: ignore[valid-type]
    return msgspec.json.Decoder(TypedDict("Answer", parts, total=False))  # type: ignore[operator]


@cache
def ids() -> Shape:
    """A list of which only the ids are used."""
    return _answer(Known)


@cache
def dated_ids() -> Shape:
    """A list of which only the ids and the last changes are used."""
    return _answer(Dated)


@cache
def records(endpoint: Endpoint) -> Shape:
    """A list of records with the properties of `endpoint`, and their history if it keeps one."""
    properties = msgspec.defstruct("Properties", [(name, Text, None) for name in endpoint.fields], gc=False)
    entries = list[Entry] | None
    history = msgspec.defstruct("History", [(name, entries, None) for name in endpoint.history], gc=False)
    record = msgspec.defstruct(
        "Record",
        [
            ("properties", properties),
            ("propertiesWithHistory", history | None, None),
            ("createdAt", Text, None),
            ("updatedAt", Text, None),
            ("archived", bool, False),
            ("archivedAt", Text, None),
        ],
        bases=(Known,),
        gc=False,
    )
    return _answer(record)


def row(record: Any, endpoint: Endpoint) -> dict[str, Any]:
    """A known record as it is landed."""
    kept: dict[str, Any] = {
        "id": record.id,
        "properties": record.properties,
        "createdAt": record.createdAt,
        "updatedAt": record.updatedAt,
        "archived": record.archived,
    }
    if record.archivedAt:
        kept["archivedAt"] = record.archivedAt
    held = record.propertiesWithHistory
    if endpoint.history and held is not None:
        kept["propertiesWithHistory"] = {name: _entries(getattr(held, name)) for name in endpoint.history}
    return kept


def _entries(entries: list[Entry] | None) -> list[Entry]:
    """The entries as they are landed. They are changed in place: this is the innermost of all loops."""
    for entry in entries or ():
        number = entry.updatedByUserId
        # Asked here and not in a call for the usual case.
        if type(number) is int and number >= 0:
            entry.changedBy = str(number)
        else:
            entry.changedBy = quirks.user(number, entry.sourceId)
        entry.sourceId = entry.updatedByUserId = msgspec.UNSET
    return entries or []
