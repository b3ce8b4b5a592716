"""What an account holds at one instant, in HubSpot's own terms: records, values, history, associations.

Both the answers (`account.py`) and the truth for extraction tests (`ledger.py`) are read from here; neither
is read from the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from types import MappingProxyType
from typing import Any

from leadrole.sandbox.faults import Faults
from leadrole.sandbox.hubspot.catalog import (
    ASSOCIATION_TYPES,
    DATE_ENTERED,
    LEAD_PIPELINE_ID,
    LEAD_STAGES,
    LEADS_SCOPE,
    MODIFIED,
    PRIMARY_TYPES,
    PROPERTIES,
)
from leadrole.sandbox.hubspot.derived import Derived
from leadrole.sandbox.log import PIPELINE_ID, STAGES, Event, History, Record, State, Version, iso, parse_iso

DERIVED = ("leads", "companies")
RATES = (("USD", "2025-01-01T00:00:00Z", "0.92"), ("GBP", "2025-01-01T00:00:00Z", "1.17"))
_IDS_IN_DATA = ("contact", "deal", "to_id")
_ID_LISTS_IN_DATA = ("contacts", "merged")


@dataclass(frozen=True, slots=True)
class Portal:
    """The settings that change what an account holds, or how it writes it."""

    has_leads: bool = False
    id_offset: int = 0
    currency: str = "EUR"
    multi_currency: bool = True
    rates: Sequence[tuple[str, str, str]] = RATES  # currency, since when, how much of ours one of it is
    stage_ids: Mapping[str, str] = field(
        default_factory=dict
    )  # a deal stage's id in the log -> in the portal
    history_kept: int | None = None  # how many of the newest entries of a property's history are shown
    faults: Faults = field(default_factory=Faults)


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage as the pipelines endpoint shows it."""

    stage_id: str
    label: str
    order: int
    metadata: Mapping[str, str]


def record_id(log_id: str, *, id_offset: int = 0) -> str:
    """Give the id that a contact, deal or activity of the log has in the account."""
    return str(int(log_id) + id_offset)


def renumbered(history: History, id_offset: int) -> History:
    """Give the same history with all ids of records raised, as in accounts whose ids do not fit a float."""

    def moved(event: Event) -> Event:
        data: dict[str, Any] = dict(event.data)
        for name in _IDS_IN_DATA:
            if data.get(name):
                data[name] = record_id(data[name], id_offset=id_offset)
        for name in _ID_LISTS_IN_DATA:
            if name in data:
                data[name] = tuple(record_id(one, id_offset=id_offset) for one in data[name])
        subject = event.subject
        if event.kind != "owner_deactivated" and subject.isdecimal():
            subject = record_id(subject, id_offset=id_offset)
        return replace(event, subject=subject, data=MappingProxyType(data))

    return History([moved(event) for event in history.events], history.owners)


class World:
    """One account at one instant."""

    def __init__(self, state: State, history: History, portal: Portal) -> None:
        if portal.id_offset:
            history = renumbered(history, portal.id_offset)
            state = history.fold(state.at)
        self.state = state
        self.at = state.at
        self.portal = portal
        self._history = history
        self._stored: dict[tuple[str, str], str] = {}
        self._given: dict[tuple[str, str], str | None] = {}
        self._kinds = {name: dict(kinds) for name, kinds in PROPERTIES.items()}
        self._sorted: dict[tuple[str, bool], tuple[list[int], list[Record]]] = {}
        if not portal.multi_currency:
            del self._kinds["deals"]["deal_currency_code"]
        for fault in portal.faults.of("property_removed", "property_renamed", "property_added"):
            self._change_properties(fault.kind, **fault.values)

    def _change_properties(self, kind: str, **values: Any) -> None:
        object_type, kinds = values["object"], self._kinds[values["object"]]
        if kind == "property_removed":
            kinds.pop(values["name"], None)
        elif kind == "property_added":
            kinds[values["name"]] = values["type"]
            self._given[object_type, values["name"]] = values["shown"]
        elif values["old"] in kinds:
            kinds[values["new"]] = kinds.pop(values["old"])
            self._stored[object_type, values["new"]] = self._stored.pop(
                (object_type, values["old"]), values["old"]
            )

    @cached_property
    def derived(self) -> Derived:
        """The leads and companies, made when somebody first asks."""
        return Derived(self._history, self.at, id_offset=self.portal.id_offset)

    # --- records

    def live(self, object_type: str) -> dict[str, Record]:
        """Give the live records of a type by id."""
        return (self.derived.live if object_type in DERIVED else self.state.live).get(object_type, {})

    def archived(self, object_type: str) -> dict[str, Record]:
        """Give the archived records of a type by id, as long as they are kept."""
        return (self.derived.archived if object_type in DERIVED else self.state.archived).get(object_type, {})

    def rows(self, object_type: str, *, archived: bool = False) -> tuple[list[int], list[Record]]:
        """Give ids and records of a type in the order of the list endpoint."""
        key = (object_type, archived)
        if key not in self._sorted:
            records = self.archived(object_type) if archived else self.live(object_type)
            self._sorted[key] = [int(one) for one in records], list(records.values())
        return self._sorted[key]

    # --- associations

    def linked(self, from_type: str, from_id: str, to_type: str) -> list[str]:
        """Live records of a type that this record is associated with, lowest id first."""
        if from_type not in DERIVED and to_type not in DERIVED:
            return self.state.linked(from_type, from_id, to_type)
        live = self.live(to_type)
        return sorted(
            (one for one in self.derived.linked(from_type, from_id, to_type) if one in live), key=int
        )

    def types(self, from_type: str, from_id: str, to_type: str, to_id: str) -> list[tuple[int, str | None]]:
        """Give the association types between two records, each with its label; the label is what differs."""
        found: list[tuple[int, str | None]] = []
        if (from_type, to_type) in PRIMARY_TYPES:
            owner = (from_type, from_id) if to_type == "companies" else (to_type, to_id)
            company = to_id if to_type == "companies" else from_id
            if self.derived.primary.get(owner) == company:
                found.append((PRIMARY_TYPES[from_type, to_type], "Primary"))
        label = "Primary" if {from_type, to_type} == {"leads", "contacts"} else None
        return [*found, (ASSOCIATION_TYPES[from_type, to_type], label)]

    # --- properties

    def properties(self, object_type: str) -> dict[str, str]:
        """Give the properties the account knows, with their types."""
        return self._kinds[object_type]

    def knows(self, object_type: str, name: str) -> bool:
        """Whether the account has this property."""
        return name in self._kinds[object_type]

    def value(self, record: Record, name: str) -> str | None:
        """Give the value of a property."""
        object_type = record.object_type
        if (object_type, name) in self._given:
            return self._given[object_type, name]
        name = self._stored.get((object_type, name), name)
        if name == MODIFIED[object_type]:
            return iso(record.updated_at)
        if self.properties(object_type).get(name, "").endswith("*"):
            calculated = self._calculated(record, name)
            if calculated is not None:
                return calculated
        return self._mapped(object_type, name, record.properties.get(name))

    def history(self, record: Record, name: str) -> list[tuple[Version, str | None]]:
        """Give the entries of a property's history that are shown, newest first."""
        object_type = record.object_type
        name = self._stored.get((object_type, name), name)
        entries = record.history(name)[: self.portal.history_kept]
        return [(version, self._mapped(object_type, name, value)) for version, value in entries]

    def _mapped(self, object_type: str, name: str, value: str | None) -> str | None:
        if object_type == "deals" and name == "dealstage" and value is not None:
            return self.portal.stage_ids.get(value, value)
        return value

    def _calculated(self, record: Record, name: str) -> str | None:
        object_type, own = record.object_type, record.record_id
        if name == "amount_in_home_currency":
            return self._at_home(record)
        if name.startswith("num_associated_"):
            return str(len(self.linked(object_type, own, name.removeprefix("num_associated_"))))
        if name == "associatedcompanyid":
            return self.derived.primary.get((object_type, own))
        if name == "hs_lead_associated_deals_count":
            return str(len(self.derived.deals.get(own, set()) & self.state.live["deals"].keys()))
        if name in ("hs_task_missed_due_date_count", "hs_task_is_overdue"):
            return self._overdue(record, name)
        if object_type == "contacts" and name.startswith(DATE_ENTERED):
            stage = name.removeprefix(DATE_ENTERED)
            entered = [version.at for version, value in record.history("lifecyclestage") if value == stage]
            return iso(entered[-1]) if entered else None
        return None

    def _overdue(self, record: Record, name: str) -> str:
        due, done = record.properties.get("hs_timestamp"), record.properties.get("hs_task_completion_date")
        is_missed = due is not None and (parse_iso(done) if done else self.at) > parse_iso(due)
        if name == "hs_task_is_overdue":
            return str(is_missed and done is None).lower()
        # It counts to one and no further, however often the date was moved.
        return "1" if is_missed else "0"

    def _at_home(self, record: Record) -> str | None:
        amount, currency = record.properties.get("amount"), record.properties.get("deal_currency_code")
        if amount is None or currency in (None, self.portal.currency) or not self.portal.multi_currency:
            return amount
        rate = self.rate(str(currency))
        if rate is None:
            return None
        try:
            return f"{Decimal(amount) * Decimal(rate):.2f}"
        except InvalidOperation:
            return None

    def rate(self, currency: str) -> str | None:
        """Give the rate that holds at this instant."""
        known = [
            (parse_iso(since), rate)
            for code, since, rate in self.portal.rates
            if code == currency and parse_iso(since) <= self.at
        ]
        return max(known)[1] if known else None

    # --- pipelines

    def pipelines(self, object_type: str) -> dict[str, tuple[str, list[StageRow]]]:
        """Give the pipelines of a type: id -> label and stages."""
        if object_type == "deals":
            return {PIPELINE_ID: ("Verkoop", self._as_changed(self.stages_once(object_type)))}
        if object_type == "leads":
            return {LEAD_PIPELINE_ID: ("Leadpijplijn", self._as_changed(self.stages_once(object_type)))}
        return {}

    def stages_once(self, object_type: str) -> list[StageRow]:
        """Give the stages a type's pipeline began with, whatever became of them."""
        if object_type == "leads":
            return [
                StageRow(
                    stage.stage_id,
                    stage.label,
                    stage.order,
                    {"isClosed": str(stage.is_closed).lower(), "leadState": stage.state},
                )
                for stage in LEAD_STAGES
            ]
        return [
            StageRow(
                self.portal.stage_ids.get(stage.stage_id, stage.stage_id),
                stage.label,
                stage.order,
                {"isClosed": str(stage.is_closed).lower(), "probability": stage.probability},
            )
            for stage in STAGES
        ]

    def _as_changed(self, stages: list[StageRow]) -> list[StageRow]:
        unlisted = {fault.values["stage_id"] for fault in self.portal.faults.of("stage_unlisted")}
        for fault in self.portal.faults.of("stage_renamed"):
            label, order = fault.values["label"], fault.values["order"]
            stages = [
                replace(
                    stage,
                    label=stage.label if label is None else label,
                    order=stage.order if order is None else order,
                )
                if stage.stage_id == fault.values["stage_id"]
                else stage
                for stage in stages
            ]
        return [stage for stage in stages if stage.stage_id not in unlisted]

    @property
    def missing_scopes(self) -> set[str]:
        """Scopes the key lacks: those that were taken away, and those the subscription does not have."""
        missing = {fault.values["scope"] for fault in self.portal.faults.of("scope_removed")}
        return missing if self.portal.has_leads else missing | {LEADS_SCOPE}


def epoch() -> datetime:
    """Give the instant at which everything that came with the account was made."""
    return datetime.fromtimestamp(0, UTC)
