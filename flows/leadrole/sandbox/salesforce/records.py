"""What the org shows at an instant, and the ledger of it."""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from leadrole.sandbox.log import History
from leadrole.sandbox.salesforce.fold import BEGINNING, Fold
from leadrole.sandbox.salesforce.schema import NAMES, PARENTS, TRACKED, all_fields, rest_value
from leadrole.sandbox.salesforce.world import Entity, Row, World

DELETED_LISTED = timedelta(days=30)


class Records:
    """Everything the org shows at an instant, the bin included."""

    def __init__(self, history: History, at: datetime, world: World) -> None:
        self.at = at.astimezone(UTC)
        self.world = world
        self._fold = Fold(history, self.at, world)
        self._rows: dict[str, list[Row]] = {}
        self._by_id: dict[str, dict[str, Row]] = {}

    def rows(self, object_type: str) -> list[Row]:
        """Give every record of an object that exists, also those in the bin and the archive."""
        if object_type not in self._rows:
            self._rows[object_type] = list(self._read(object_type))
        return self._rows[object_type]

    def by_id(self, object_type: str) -> dict[str, Row]:
        """Give the same by id."""
        if object_type not in self._by_id:
            self._by_id[object_type] = {row["Id"]: row for row in self.rows(object_type)}
        return self._by_id[object_type]

    def deleted(self, object_type: str) -> list[tuple[str, datetime]]:
        """Give the ids that were deleted in the last 30 days and when, purged ones too, erased ones not."""
        found = []
        for entity in self._fold.entities[object_type].values():
            seen = self._seen(entity)
            if seen is None or seen.is_erased:
                continue
            if seen.deleted_at is not None and seen.deleted_at > self.at - DELETED_LISTED:
                found.append((seen.record_id, seen.deleted_at.replace(microsecond=0)))
            elif object_type == "CurrencyType" and not seen.values["IsActive"]:
                found.append((seen.record_id, seen.values["SystemModstamp"]))
        return found

    def _seen(self, entity: Entity) -> Entity | None:
        if not self.world.late_seconds:
            return entity
        return entity.as_seen(self.at - self.world.lag((entity.parent or entity).record_id))

    def _read(self, object_type: str) -> Iterator[Row]:
        if not self.world.has(object_type):
            return
        if object_type in PARENTS:
            yield from self._read_history(object_type)
            return
        purged_before = self.at - timedelta(days=self.world.bin_days)
        for entity in self._fold.entities[object_type].values():
            seen = self._seen(entity)
            if seen is None or seen.is_erased:
                continue
            if seen.deleted_at is None or seen.deleted_at > purged_before:
                yield self._finish(object_type, seen.values)

    def _read_history(self, object_type: str) -> Iterator[Row]:
        world = self.world
        since = world.tracked_since or BEGINNING
        if object_type != "OpportunityHistory":
            tracked = {TRACKED[one] for one in world.tracking if one in TRACKED}
            if object_type not in tracked:
                return
            if world.history_months is not None:
                since = max(since, _months_before(self.at, world.history_months))
        else:
            since = BEGINNING
        purged_before = self.at - timedelta(days=world.bin_days)
        for entity in self._fold.entities[object_type].values():
            if entity.values["CreatedDate"] < since:
                continue
            seen = self._seen(entity)
            parent = self._seen(entity.parent) if entity.parent else None
            if seen is None or parent is None or parent.is_erased:
                continue
            if parent.deleted_at is not None and parent.deleted_at <= purged_before:
                continue
            yield {**seen.values, "IsDeleted": parent.deleted_at is not None}

    def _finish(self, object_type: str, values: Row) -> Row:
        """Add what changes without a stamp, and what is false until it is set."""
        for one in all_fields(object_type).values():
            if one.type == "boolean" and values.get(one.name) is None:
                values[one.name] = False
        if object_type in ("Lead", "Opportunity"):
            values["Age_Days__c"] = float((self.at - values["CreatedDate"]).days)
        elif object_type in ("Task", "Event"):
            values["IsArchived"] = self._is_archived(values)
        return values

    def _is_archived(self, values: Row) -> bool:
        days = self.world.archive_after_days
        if days is None or not values.get("IsClosed", True):
            return False
        ended: datetime | date = values.get("EndDateTime") or values["ActivityDate"]
        day = ended.date() if isinstance(ended, datetime) else ended
        return day < self.at.date() - timedelta(days=days)


def ledger(history: History, at: datetime, **settings: Any) -> dict[str, dict[str, dict[str, str | None]]]:
    """Give the truth for extraction tests: by our name of an object and by id, the live records at `at`.

    Values are REST's as text, numbers as written there. Takes the dialect's settings. Left out are compound
    fields and what moves without a stamp: calculated fields and `IsArchived`. Archived activities are live.
    Rows of history hang on live records only. What the settings hide (late, purged, kept too long) is not in it.
    """
    world = World.of(settings)
    records = Records(history, at, world)
    truth: dict[str, dict[str, dict[str, str | None]]] = {}
    for object_type, name in NAMES.items():
        kept = [
            one
            for one in world.fields_of(object_type).values()
            if not (one.is_calculated or one.is_compound or one.name == "IsArchived")
        ]
        truth[name] = {
            row["Id"]: {one.name: as_text(row.get(one.name)) for one in kept}
            for row in records.rows(object_type)
            if not row["IsDeleted"]
        }
    return truth


def as_text(value: Any) -> str | None:
    """Write a value of a REST answer as text."""
    if value is None:
        return None
    shown = rest_value(value)
    return shown if isinstance(shown, str) else json.dumps(shown)


def _months_before(instant: datetime, months: int) -> datetime:
    index = instant.year * 12 + instant.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))
