"""What differs between orgs, and how a record is kept: as its changes, so that each instant can be asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from leadrole.sandbox.salesforce.ids import number_of
from leadrole.sandbox.salesforce.schema import MULTI_CURRENCY_ONLY, Field, all_fields, object_named

Row = dict[str, Any]


@dataclass(frozen=True)
class World:
    """What differs between orgs and decides what their records are; the dialect and the ledger take the same."""

    seed: int = 0
    late_seconds: int = 0  # the longest that a change stays unseen after its stamp
    late_share: float = 0.2  # the part of the records whose changes are late at all
    bin_days: int = 15
    archive_after_days: int | None = 365
    tracking: Collection[str] = ("Lead", "Contact", "Opportunity")
    tracked_since: datetime | None = None
    history_months: int | None = 18
    multi_currency: bool = False
    dated_rates: bool = True
    removed_fields: Collection[tuple[str, str]] = ()
    stage_labels: Mapping[str, str] = field(default_factory=dict)
    stage_orders: Mapping[str, int] = field(default_factory=dict)
    unlisted_stages: Collection[str] = ()
    zone: str = "Europe/Amsterdam"
    currency: str = "EUR"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> World:
        """Take from a dialect's settings those that decide what the records are."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in known})

    def fields_of(self, object_type: str) -> dict[str, Field]:
        """Give the fields that this org has on an object."""
        gone = {name for where, name in self.removed_fields if object_named(where) == object_type}
        return {
            name: one
            for name, one in all_fields(object_type).items()
            if name not in gone and (self.multi_currency or not one.needs_currencies)
        }

    def has(self, object_type: str) -> bool:
        """Whether this org has an object."""
        if object_type == "DatedConversionRate" and not self.dated_rates:
            return False
        return self.multi_currency or object_type not in MULTI_CURRENCY_ONLY

    def lag(self, record_id: str) -> timedelta:
        """Give how long a record's changes stay unseen after their stamp."""
        if (
            not self.late_seconds
            or number_of(f"{self.seed}:late:{record_id}", 1000) >= self.late_share * 1000
        ):
            return timedelta()
        return timedelta(seconds=1 + number_of(f"{self.seed}:lag:{record_id}", self.late_seconds))


@dataclass(frozen=True, slots=True)
class Change:
    """What one event changed on a record. A change by the system moves SystemModstamp alone."""

    at: datetime
    values: Mapping[str, Any]
    by: str
    is_system: bool = False


@dataclass(slots=True)
class Entity:
    """A record with its changes, oldest first."""

    object_type: str
    record_id: str
    changes: list[Change] = field(default_factory=list)
    values: Row = field(default_factory=dict)
    deleted_at: datetime | None = None
    is_erased: bool = False
    parent: Entity | None = None

    def add(self, change: Change) -> None:
        """Add a change."""
        stamp = change.at.replace(microsecond=0)
        values = self.values
        if not self.changes:
            values.update(Id=self.record_id, CreatedDate=stamp, CreatedById=change.by, IsDeleted=False)
        self.changes.append(change)
        values.update(change.values)
        values["SystemModstamp"] = stamp
        if not change.is_system or "LastModifiedDate" not in values:
            values["LastModifiedDate"] = stamp
            values["LastModifiedById"] = change.by
        if "IsDeleted" in change.values:
            self.deleted_at = change.at if change.values["IsDeleted"] else None
        self.is_erased = self.is_erased or "IsErased" in change.values

    def as_seen(self, cut: datetime) -> Entity | None:
        """Give the record as one sees it who has not seen anything since `cut`."""
        if self.changes[0].at > cut:
            return None
        if self.changes[-1].at <= cut:
            return self
        older = Entity(self.object_type, self.record_id)
        for change in self.changes:
            if change.at <= cut:
                older.add(change)
        return older
