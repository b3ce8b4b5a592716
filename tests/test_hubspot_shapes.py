"""HubSpot's answers are decoded in two ways, and both give the same rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrole import landing
from leadrole.crm.hubspot import quirks, shapes
from leadrole.crm.hubspot.endpoints import ENDPOINTS

CONTACTS = replace(
    next(item for item in ENDPOINTS if item.name == "contacts"), fields=("a", "b"), history=("a", "c")
)
CALLS = replace(CONTACTS, history=())
TEXT = st.sampled_from([None, "", "x", "é\n\x00"])
USER = st.none() | st.integers(-3, 99) | st.sampled_from(["12", "x", ""])
SOURCE = st.none() | st.sampled_from(["userId:7", "userId:", "userId:x", "form-7"])


def parts(required: dict[str, Any], **optional: Any) -> Any:
    return st.fixed_dictionaries(required, optional=optional)


ENTRY = parts(
    {}, value=TEXT, timestamp=TEXT, sourceType=TEXT, sourceId=SOURCE, updatedByUserId=USER, more=TEXT
)
HISTORY = st.none() | parts(
    {}, a=st.none() | st.lists(ENTRY, max_size=3), c=st.lists(ENTRY, max_size=2), d=TEXT
)
RECORD = parts(
    {"id": st.integers(1, 10**12).map(str), "properties": parts({}, a=TEXT, b=TEXT, hs_object_id=TEXT)},
    propertiesWithHistory=HISTORY,
    createdAt=TEXT,
    updatedAt=TEXT,
    archived=st.booleans(),
    archivedAt=TEXT,
    url=TEXT,
)


@given(st.lists(RECORD, max_size=4), st.sampled_from([CONTACTS, CALLS]))
def test_both_ways_land_the_same(records: list[dict[str, Any]], endpoint: Any) -> None:
    body = json.dumps({"results": records, "paging": {"next": {"after": "5"}}, "more": [1]})
    known = shapes.records(endpoint).decode(body)
    assert known["paging"] == {"next": {"after": "5"}}
    assert landing.encode_lines([shapes.row(record, endpoint) for record in known["results"]]) == (
        landing.encode_lines([quirks.trimmed(record, endpoint) for record in records])
    )
    listed = shapes.ids().decode(body)["results"]
    assert [record["id"] for record in listed] == [record["id"] for record in records]


@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "message": "x"},
        {"results": None},
        {"results": [{"id": 5, "properties": {}}]},
        {"results": [{"properties": {}}]},
        {"results": [{"id": "5", "properties": {"a": 1.5}}]},
        {"results": [{"id": "5", "properties": {}, "archived": None}]},
        {"results": [{"id": "5"}]},
    ],
    ids=["no list", "null", "id a number", "no id", "a number for a text", "archived null", "no properties"],
)
def test_what_looks_different_does_not_fit(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        shapes.records(CONTACTS).decode(json.dumps(body))
