"""What a reader that loses nothing must hold, from the log and past the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadrole.sandbox.log import History
from leadrole.sandbox.odoo.account import OBJECTS, told
from leadrole.sandbox.odoo.catalog import Settings
from leadrole.sandbox.odoo.database import Row as Held
from leadrole.sandbox.odoo.schema import EMPTY_NUMBERS, Model
from leadrole.sandbox.odoo.world import World

Row = Mapping[str, str | None]


def ledger(history: History, at: datetime, **settings: Any) -> dict[str, dict[str, Row]]:
    """Give for each object its rows at an instant: id -> every stored field as text, None where nothing is.

    Lists of rows that refer back (one2many) are left out: they change without a write, and the rows say it too.
    It takes the settings of the database. A reference to another row is that row's id alone, since its name
    changes without a write; many of them are JSON. An empty number is what Odoo tells, nought. `leads` has
    active and inactive rows alike, and `tracking_values` is empty for a key that may not read them.
    """
    chosen = Settings.of(settings)
    world = World(history, at, chosen)
    held: dict[str, dict[str, Row]] = {}
    for name, model in OBJECTS.items():
        described = world.models[model]
        rows = {} if described.admin_only and not chosen.is_admin else world.tables[model]
        held[name] = {str(number): _text(described, rows[number], chosen) for number in sorted(rows)}
    return held


def opportunities(history: History, at: datetime, **settings: Any) -> dict[str, str]:
    """Give the row of `leads` that holds each deal of the log: a lead's own, or one made for the deal."""
    world = World(history, at, Settings.of(settings))
    return {
        deal: str(number)
        for deal, number in world.opportunities.items()
        if number in world.tables["crm.lead"]
    }


def contacts(history: History, at: datetime, **settings: Any) -> dict[str, list[str]]:
    """Give the rows of `leads` that each contact of the log has, oldest first; merged ones have the survivor's."""
    world = World(history, at, Settings.of(settings))
    return {contact: [str(number) for number in rows] for contact, rows in world.rows_of_contacts().items()}


def _text(model: Model, row: Held, settings: Settings) -> Row:
    text: dict[str, str | None] = {}
    for name, field in model.fields.items():
        if not field.is_stored or field.type == "one2many" or (field.admin_only and not settings.is_admin):
            continue
        value = row[name]
        if field.type == "boolean":
            value = bool(value)
        elif value is None:
            value = EMPTY_NUMBERS.get(field.type)
        text[name] = _as_text(None if value is None else told(field, value))
    return text


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
