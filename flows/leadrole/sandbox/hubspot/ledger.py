"""The truth that an extraction is compared with: every live record, link and history entry, from the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadrole.sandbox.hubspot.catalog import ASSOCIATION_TYPES, HISTORY_PROPERTIES, TYPE_NAMES
from leadrole.sandbox.hubspot.world import Portal, World
from leadrole.sandbox.log import History, iso

Row = Mapping[str, str | None]
_PORTAL = frozenset(Portal.__dataclass_fields__)


def ledger(history: History, at: datetime, **settings: Any) -> dict[str, dict[str, Row]]:
    """Give what a lossless extraction holds at an instant; the settings are those of the account.

    Records by type and id, with every property the account knows as text or None. `owners`, `deal_stages` and
    `lead_stages` (`pipeline/stage`) likewise. `contacts_history`, `deals_history` and `leads_history` have an
    entry `id/property/number` for each value still shown, oldest first. Links are named `deals_contacts`:
    `from/to` -> both ids and the types, `5;341`. Settings that only change how it is asked for are passed over.
    """
    portal = Portal(**{name: value for name, value in settings.items() if name in _PORTAL})
    world = World(history.fold(at), history, portal)
    kinds = [name for name in TYPE_NAMES if portal.has_leads or name != "leads"]
    held: dict[str, dict[str, Row]] = {name: _records(world, name) for name in kinds}
    held.setdefault("leads", {})
    held["owners"] = _owners(world)
    held["deal_stages"] = _stages(world, "deals")
    held["lead_stages"] = _stages(world, "leads") if portal.has_leads else {}
    for name, properties in HISTORY_PROPERTIES.items():
        held[f"{name}_history"] = _entries(world, name, properties) if name in kinds else {}
    for from_type, to_type in ASSOCIATION_TYPES:
        is_there = from_type in kinds and to_type in kinds
        held[f"{from_type}_{to_type}"] = _links(world, from_type, to_type) if is_there else {}
    return held


def _records(world: World, object_type: str) -> dict[str, Row]:
    names = world.properties(object_type)
    return {
        one: {name: world.value(record, name) for name in names}
        for one, record in world.live(object_type).items()
    }


def _entries(world: World, object_type: str, properties: tuple[str, ...]) -> dict[str, Row]:
    entries: dict[str, Row] = {}
    for one, record in world.live(object_type).items():
        for name in properties:
            if not world.knows(object_type, name):
                continue
            for number, (version, value) in enumerate(reversed(world.history(record, name))):
                entries[f"{one}/{name}/{number}"] = {
                    "id": one,
                    "property": name,
                    "value": value,
                    "timestamp": iso(version.at),
                    "sourceType": version.source_type,
                    "updatedByUserId": version.by,
                }
    return entries


def _links(world: World, from_type: str, to_type: str) -> dict[str, Row]:
    links: dict[str, Row] = {}
    for one in world.live(from_type):
        for other in world.linked(from_type, one, to_type):
            types = world.types(from_type, one, to_type, other)
            links[f"{one}/{other}"] = {
                "from_id": one,
                "to_id": other,
                "types": ";".join(str(type_id) for type_id, _ in types),
            }
    return links


def _owners(world: World) -> dict[str, Row]:
    state = world.state
    return {
        owner_id: {
            "type": owner.kind,
            "email": owner.email,
            "firstName": owner.first_name,
            "lastName": owner.last_name,
            "userId": None if owner_id in state.inactive_owners else owner.user_id,
            "userIdIncludingInactive": owner.user_id,
            "archived": str(owner_id in state.inactive_owners).lower(),
        }
        for owner_id, owner in state.owners.items()
    }


def _stages(world: World, object_type: str) -> dict[str, Row]:
    return {
        f"{pipeline}/{stage.stage_id}": {
            "pipelineId": pipeline,
            "pipelineLabel": label,
            "stageId": stage.stage_id,
            "label": stage.label,
            "displayOrder": str(stage.order),
            "archived": "false",
            **stage.metadata,
        }
        for pipeline, (label, stages) in world.pipelines(object_type).items()
        for stage in stages
    }
