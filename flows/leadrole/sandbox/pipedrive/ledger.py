"""What a reader that loses nothing must hold, from the log and past the HTTP answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leadrole.sandbox.log import History
from leadrole.sandbox.pipedrive.records import KINDS, Company, Settings
from leadrole.sandbox.pipedrive.shapes import Shape, Shapes

Row = dict[str, str | None]


def ledger(history: History, at: datetime, **settings: Any) -> dict[str, dict[str, Row]]:
    """Give for each object its live records at an instant: id -> fields as text.

    It takes the settings of the dialect; those that say what the account remembers and shows count here.
    Leads and deals are there whether archived or not. Nested values are JSON text. `deal_changes` has the
    entries of the flow, by their id, of every deal that Pipedrive still shows, those deleted of late among them.
    """
    company = Company(history, at, Settings.of(settings))
    shapes = Shapes(company)
    truth: dict[str, dict[str, Row]] = {
        kind: {item.key: text(shapes.whole(item)) for item in company.live(kind)} for kind in KINDS
    }
    truth["deal_changes"] = {
        change.number: text(shapes.flow_data(change))
        for deal in company.deals.values()
        if (deal.is_live and company.sees(deal)) or company.shows_deleted(deal)
        for change in deal.changes
    }
    for name, rows, key in (
        ("users", [shapes.user(owner) for owner in company.owners.values()], "id"),
        ("pipelines", shapes.pipelines(), "id"),
        ("stages", shapes.stages(), "id"),
        ("activity_types", shapes.activity_types(), "id"),
        ("lead_labels", shapes.lead_labels(), "id"),
        ("lead_sources", shapes.lead_sources(), "name"),
        ("currencies", shapes.currencies(), "id"),
    ):
        truth[name] = _by(key, rows)
    return truth


def _by(key: str, rows: Iterable[Shape]) -> dict[str, Row]:
    return {str(row[key]): text(row) for row in rows}


def text(shape: Shape) -> Row:
    """Give the values of a record as text; nested ones as compact JSON."""
    return {name: _text(value) for name, value in shape.items()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
