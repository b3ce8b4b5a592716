"""The event log of a pretend company, and the CRM records it leaves behind at any instant.

An `Event` is what happened; nothing is ever changed in the log. `History.fold` turns the events up to an
instant into records with HubSpot's property names. The true metrics (`truth.py`) read the events themselves
and never the folded records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

QUEUE_ID = "190"
PIPELINE_ID = "default"
ARCHIVE_KEPT = timedelta(days=90)
OBJECTS = ("contacts", "deals", "calls", "emails", "meetings")
# Activities that no metric counts; a state has these types only if there was any of them.
OTHER_ACTIVITIES = ("tasks", "communications", "notes")
RECORDS = (*OBJECTS, *OTHER_ACTIVITIES)
LIFECYCLE_ORDER = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
)
CALL_DISPOSITIONS = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no_answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
    "voicemail": "b2cf5968-551e-4856-9783-52b3da59a7d0",
    "busy": "9d9162e7-6cf3-4944-bf63-4dff82258764",
    "wrong_number": "17b47fee-58de-441e-a44c-c6300d46f273",
    "live_message": "a4c4c377-d246-4b32-a13b-75a56a4cd0ff",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the deal pipeline, in its order."""

    stage_id: str
    label: str
    order: int
    is_closed: bool
    is_won: bool
    probability: str


STAGES = (
    Stage("appointmentscheduled", "Afspraak gepland", 0, False, False, "0.2"),
    Stage("qualifiedtobuy", "Behoefte bevestigd", 1, False, False, "0.4"),
    Stage("presentationscheduled", "Demo gepland", 2, False, False, "0.6"),
    Stage("contractsent", "Offerte verstuurd", 3, False, False, "0.8"),
    Stage("closedwon", "Gewonnen", 4, True, True, "1.0"),
    Stage("closedlost", "Verloren", 5, True, False, "0.0"),
)
STAGE_BY_ID = {stage.stage_id: stage for stage in STAGES}


@dataclass(frozen=True, slots=True)
class Owner:
    """A person or queue that can own records; history names the user id, records the owner id."""

    owner_id: str
    user_id: str | None
    first_name: str
    last_name: str
    email: str
    created_at: datetime
    kind: str = "PERSON"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, what, to which record, by which owner (None: an automatic hand)."""

    at: datetime
    kind: str
    subject: str
    by: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """The properties one event changed on a record, and by whose hand."""

    at: datetime
    changes: Mapping[str, str | None]
    source_type: str
    by: str | None


@dataclass(slots=True)
class Record:
    """A CRM record: its versions, newest last, and whether it is archived."""

    object_type: str
    record_id: str
    versions: list[Version] = field(default_factory=list)
    properties: dict[str, str | None] = field(default_factory=dict)
    archived_at: datetime | None = None
    born_at: datetime | None = None  # a merged record has versions older than its id

    @property
    def created_at(self) -> datetime:
        """When the record was made, by its own create date."""
        created = self.properties.get("createdate") or self.properties.get("hs_createdate")
        return parse_iso(created) if created else self.versions[0].at

    @property
    def updated_at(self) -> datetime:
        """When a property last changed. Archiving and associations leave it alone, as in HubSpot."""
        return self.versions[-1].at

    def set(self, version: Version) -> None:
        """Add a version."""
        self.versions.append(version)
        self.properties.update(version.changes)

    def history(self, name: str) -> list[tuple[Version, str | None]]:
        """Every value a property had, newest first."""
        return [
            (version, version.changes[name]) for version in reversed(self.versions) if name in version.changes
        ]

    def as_it_was(self, instant: datetime) -> Record | None:
        """Give the record as a search index that has not seen anything since this instant still shows it."""
        seen = [version for version in self.versions if version.at <= instant]
        if not seen or (self.born_at is not None and self.born_at > instant):
            return None
        older = Record(self.object_type, self.record_id, born_at=self.born_at)
        for version in seen:
            older.set(version)
        return older


@dataclass(slots=True)
class State:
    """Everything the CRM holds at one instant."""

    at: datetime
    live: dict[str, dict[str, Record]]
    archived: dict[str, dict[str, Record]]
    merged: dict[str, str]
    owners: dict[str, Owner]
    inactive_owners: dict[str, datetime]
    links: dict[tuple[str, str], dict[str, dict[str, None]]]

    def survivor(self, contact_id: str) -> str:
        """Follow merges to the contact that is left."""
        while contact_id in self.merged:
            contact_id = self.merged[contact_id]
        return contact_id

    def linked(self, from_type: str, from_id: str, to_type: str) -> list[str]:
        """Live records of a type that this record is associated with, lowest id first."""
        targets = self.links.get((from_type, to_type), {}).get(from_id, {})
        live = self.live.get(to_type, {})
        return sorted((target for target in targets if target in live), key=int)


def iso(instant: datetime) -> str:
    """Write an instant as HubSpot's Java does: UTC, milliseconds only when there are any."""
    instant = instant.astimezone(UTC)
    text = instant.strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = instant.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def whole_ms(instant: datetime) -> datetime:
    """Give the instant in UTC to the millisecond, which is all a CRM keeps."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse_iso(text: str) -> datetime:
    """Read an ISO instant; one without a zone is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class History:
    """An append-only event log with the owners it speaks of."""

    def __init__(self, events: Iterable[Event], owners: Iterable[Owner]) -> None:
        self.events: tuple[Event, ...] = tuple(sorted(events, key=lambda event: event.at))
        self.owners: tuple[Owner, ...] = tuple(owners)

    def until(self, at: datetime) -> Iterable[Event]:
        """Give the events up to and including an instant, in order."""
        for event in self.events:
            if event.at > at:
                return
            yield event

    def fold(self, at: datetime) -> State:
        """Give the records as the CRM holds them at an instant."""
        folding = _Folding(self.owners, at)
        for event in self.until(at):
            folding.apply(event)
        return folding.finish()


class _Folding:
    """The fold under way: one method for each kind of event."""

    def __init__(self, owners: tuple[Owner, ...], at: datetime) -> None:
        self.state = State(
            at=at,
            live={name: {} for name in OBJECTS},
            archived={name: {} for name in OBJECTS},
            merged={},
            owners={owner.owner_id: owner for owner in owners if owner.created_at <= at},
            inactive_owners={},
            links={},
        )
        self._user_ids = {owner.owner_id: owner.user_id for owner in owners}

    def apply(self, event: Event) -> None:
        getattr(self, f"_{event.kind}")(event)

    def finish(self) -> State:
        state = self.state
        for name in list(state.live):
            state.archived[name] = {
                record_id: record
                for record_id, record in state.archived[name].items()
                if record.archived_at is not None and record.archived_at > state.at - ARCHIVE_KEPT
            }
            state.live[name] = dict(sorted(state.live[name].items(), key=lambda item: int(item[0])))
            state.archived[name] = dict(sorted(state.archived[name].items(), key=lambda item: int(item[0])))
        return state

    # --- records

    def _find(self, object_type: str, record_id: str) -> Record | None:
        if object_type == "contacts":
            record_id = self.state.survivor(record_id)
        for records in (self.state.live, self.state.archived):
            if record := records.get(object_type, {}).get(record_id):
                return record
        return None

    def _create(
        self, object_type: str, event: Event, changes: dict[str, str | None], source_type: str
    ) -> None:
        record = Record(object_type, event.subject, born_at=event.at)
        # What was never set has no history either.
        changes = {name: value for name, value in changes.items() if value is not None}
        changes["hs_object_id"] = event.subject
        record.set(self._version(event, changes, source_type))
        self.state.live.setdefault(object_type, {})[event.subject] = record
        self.state.archived.setdefault(object_type, {})

    def _change(
        self, object_type: str, event: Event, changes: dict[str, str | None], source_type: str | None = None
    ) -> None:
        record = self._find(object_type, event.subject)
        if record is None:
            return
        if source_type is None:
            source_type = "CRM_UI" if event.by else "AUTOMATION_PLATFORM"
        record.set(self._version(event, changes, source_type))

    def _version(self, event: Event, changes: dict[str, str | None], source_type: str) -> Version:
        return Version(event.at, changes, source_type, self._user_ids.get(event.by) if event.by else None)

    def _link(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        for key, one, other in (
            ((from_type, to_type), from_id, to_id),
            ((to_type, from_type), to_id, from_id),
        ):
            self.state.links.setdefault(key, {}).setdefault(one, {})[other] = None

    def _unlink(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        for key, one, other in (
            ((from_type, to_type), from_id, to_id),
            ((to_type, from_type), to_id, from_id),
        ):
            self.state.links.get(key, {}).get(one, {}).pop(other, None)

    def _link_activity(self, object_type: str, event: Event) -> None:
        if event.data.get("contact"):
            self._link(object_type, event.subject, "contacts", self.state.survivor(event.data["contact"]))
        if event.data.get("deal"):
            self._link(object_type, event.subject, "deals", event.data["deal"])

    # --- contacts

    def _contact_created(self, event: Event) -> None:
        data = event.data
        origin = data["origin"]
        changes: dict[str, str | None] = {
            "createdate": iso(event.at),
            "firstname": data["first_name"],
            "lastname": data["last_name"],
            "email": data["email"],
            "lifecyclestage": "lead",
            "hs_lead_status": data.get("status"),
            "hubspot_owner_id": data.get("owner"),
            "hs_analytics_source": data["source"],
            "hs_object_source_label": {"form": "FORM", "import": "IMPORT", "manual": "CRM_UI"}[origin],
        }
        if origin == "form":
            changes["first_conversion_date"] = changes["recent_conversion_date"] = iso(event.at)
        self._create(
            "contacts", event, changes, {"form": "FORM", "import": "IMPORT", "manual": "CRM_UI"}[origin]
        )

    def _form_submitted(self, event: Event) -> None:
        changes: dict[str, str | None] = {"recent_conversion_date": iso(event.at)}
        record = self._find("contacts", event.subject)
        if record is not None and not record.properties.get("first_conversion_date"):
            changes["first_conversion_date"] = iso(event.at)
        self._change("contacts", event, changes, "FORM")

    def _owner_assigned(self, event: Event) -> None:
        self._change("contacts", event, {"hubspot_owner_id": event.data["owner"]})

    def _lifecycle_changed(self, event: Event) -> None:
        self._change("contacts", event, {"lifecyclestage": event.data["stage"]})

    def _lead_status_changed(self, event: Event) -> None:
        self._change("contacts", event, {"hs_lead_status": event.data["status"]})

    def _contact_archived(self, event: Event) -> None:
        self._archive("contacts", event)

    def _contact_restored(self, event: Event) -> None:
        self._restore("contacts", event)

    def _contact_gdpr_deleted(self, event: Event) -> None:
        contact_id = self.state.survivor(event.subject)
        self.state.live["contacts"].pop(contact_id, None)
        self.state.archived["contacts"].pop(contact_id, None)

    def _contacts_merged(self, event: Event) -> None:
        losers = [
            self.state.live["contacts"].pop(self.state.survivor(loser)) for loser in event.data["merged"]
        ]
        primary = losers[0]
        record = Record("contacts", event.subject, born_at=event.at)
        versions = sorted((version for loser in losers for version in loser.versions), key=lambda v: v.at)
        for version in versions:
            record.set(version)
        # The survivor shows the primary's values, except that the oldest dates and the furthest stage win.
        # Only what thereby differs from the newest value in the joined history is stamped at the merge.
        wanted = dict(primary.properties)
        for loser in losers[1:]:
            for name, value in loser.properties.items():
                if wanted.get(name) is None:
                    wanted[name] = value
        wanted["createdate"] = iso(min(loser.created_at for loser in losers))
        for name, choose in (("first_conversion_date", min), ("recent_conversion_date", max)):
            dates = [text for loser in losers if (text := loser.properties.get(name))]
            wanted[name] = choose(dates, key=parse_iso) if dates else None
        wanted["lifecyclestage"] = max(
            (loser.properties["lifecyclestage"] or "subscriber" for loser in losers),
            key=LIFECYCLE_ORDER.index,
        )
        earlier = [
            one
            for loser in losers
            for one in (loser.properties.get("hs_merged_object_ids") or "").split(";")
            if one
        ]
        gone = [loser.record_id for loser in losers]
        wanted["hs_merged_object_ids"] = ";".join(sorted({*earlier, *gone}, key=int))
        wanted["hs_object_id"] = event.subject
        changes = {name: value for name, value in wanted.items() if record.properties.get(name) != value}
        record.set(self._version(event, changes, "MERGE_OBJECTS"))
        self.state.live["contacts"][event.subject] = record
        for loser in losers:
            self.state.merged[loser.record_id] = event.subject
            for object_type in RECORDS[1:]:
                for other in list(
                    self.state.links.get(("contacts", object_type), {}).get(loser.record_id, {})
                ):
                    self._unlink("contacts", loser.record_id, object_type, other)
                    self._link("contacts", event.subject, object_type, other)

    # --- deals

    def _deal_created(self, event: Event) -> None:
        data = event.data
        changes: dict[str, str | None] = {
            "createdate": iso(event.at),
            "dealname": data["name"],
            "pipeline": PIPELINE_ID,
            "amount": data.get("amount"),
            "deal_currency_code": data.get("currency", "EUR"),
            "closedate": iso(data["close_date"]) if data.get("close_date") else None,
            "hubspot_owner_id": data["owner"],
            "dealtype": data.get("deal_type", "newbusiness"),
        }
        changes.update(_stage_properties(data["stage"]))
        self._create("deals", event, changes, "CRM_UI" if event.by else "AUTOMATION_PLATFORM")
        for contact_id in data.get("contacts", ()):
            self._link("deals", event.subject, "contacts", self.state.survivor(contact_id))

    def _deal_stage_changed(self, event: Event) -> None:
        stage = STAGE_BY_ID[event.data["stage"]]
        changes = _stage_properties(stage.stage_id)
        if stage.is_closed:
            changes["closedate"] = iso(event.at)
            changes["closed_lost_reason"] = event.data.get("reason")
        self._change("deals", event, changes)

    def _deal_amount_changed(self, event: Event) -> None:
        self._change("deals", event, {"amount": event.data["amount"]})

    def _deal_close_date_moved(self, event: Event) -> None:
        self._change("deals", event, {"closedate": iso(event.data["close_date"])})

    def _deal_owner_changed(self, event: Event) -> None:
        self._change("deals", event, {"hubspot_owner_id": event.data["owner"]})

    def _deal_archived(self, event: Event) -> None:
        self._archive("deals", event)

    def _deal_restored(self, event: Event) -> None:
        self._restore("deals", event)

    # --- activities

    def _call_logged(self, event: Event) -> None:
        data = event.data
        changes: dict[str, str | None] = {
            "hs_timestamp": iso(data["happened_at"]),
            "hs_createdate": iso(event.at),
            "hubspot_owner_id": data.get("rep"),
            "hs_call_direction": "OUTBOUND" if data["direction"] == "out" else "INBOUND",
            "hs_call_status": data.get("status", "COMPLETED"),
            "hs_call_duration": data.get("duration"),
            "hs_call_disposition": CALL_DISPOSITIONS.get(data.get("outcome") or ""),
            "hs_object_source_label": "CRM_UI",
        }
        self._create("calls", event, changes, "CRM_UI")
        self._link_activity("calls", event)

    def _email_logged(self, event: Event) -> None:
        data = event.data
        label = "AUTOMATION_PLATFORM" if data.get("automated") else "EMAIL_INTEGRATION"
        changes: dict[str, str | None] = {
            "hs_timestamp": iso(data["happened_at"]),
            "hs_createdate": iso(event.at),
            "hubspot_owner_id": data.get("rep"),
            "hs_email_direction": "EMAIL" if data["direction"] == "out" else "INCOMING_EMAIL",
            "hs_email_status": "SENT" if data["direction"] == "out" else None,
            "hs_object_source_label": label,
        }
        self._create("emails", event, changes, label)
        self._link_activity("emails", event)

    def _meeting_booked(self, event: Event) -> None:
        data = event.data
        changes: dict[str, str | None] = {
            "hs_timestamp": iso(data["starts_at"]),
            "hs_createdate": iso(event.at),
            "hubspot_owner_id": data.get("rep"),
            "hs_meeting_outcome": "SCHEDULED",
            "hs_meeting_start_time": iso(data["starts_at"]),
            "hs_meeting_end_time": iso(data["ends_at"]),
            "hs_object_source_label": "CRM_UI",
        }
        self._create("meetings", event, changes, "CRM_UI")
        self._link_activity("meetings", event)

    def _meeting_outcome(self, event: Event) -> None:
        self._change("meetings", event, {"hs_meeting_outcome": event.data["outcome"]})

    def _task_logged(self, event: Event) -> None:
        data = event.data
        label = "AUTOMATION_PLATFORM" if data.get("workflow") else "CRM_UI"
        changes: dict[str, str | None] = {
            "hs_timestamp": iso(data["due_at"]),
            "hs_createdate": iso(event.at),
            "hubspot_owner_id": data.get("rep"),
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": data["task_type"],
            "hs_task_priority": data.get("priority"),
            "hs_task_subject": data.get("title"),
            "hs_object_source_label": label,
            "hs_object_source_detail_1": data.get("workflow"),
        }
        self._create("tasks", event, changes, label)
        self._link_activity("tasks", event)

    def _task_completed(self, event: Event) -> None:
        changes: dict[str, str | None] = {
            "hs_task_status": "COMPLETED",
            "hs_task_completion_date": iso(event.at),
        }
        self._change("tasks", event, changes)

    def _communication_logged(self, event: Event) -> None:
        data = event.data
        changes: dict[str, str | None] = {
            "hs_timestamp": iso(data["happened_at"]),
            "hs_createdate": iso(event.at),
            "hubspot_owner_id": data.get("rep"),
            "hs_communication_channel_type": data["channel"],
            "hs_communication_logged_from": "CRM",
            "hs_object_source_label": "CRM_UI",
        }
        self._create("communications", event, changes, "CRM_UI")
        self._link_activity("communications", event)

    def _note_logged(self, event: Event) -> None:
        data = event.data
        changes: dict[str, str | None] = {
            "hs_timestamp": iso(event.at),
            "hs_createdate": iso(event.at),
            "hubspot_owner_id": data.get("rep"),
            "hs_note_body": data.get("text"),
            "hs_object_source_label": "CRM_UI",
        }
        self._create("notes", event, changes, "CRM_UI")
        self._link_activity("notes", event)

    # --- the rest

    def _owner_deactivated(self, event: Event) -> None:
        self.state.inactive_owners[event.subject] = event.at

    def _association_added(self, event: Event) -> None:
        self._link(*self._ends(event))

    def _association_removed(self, event: Event) -> None:
        self._unlink(*self._ends(event))

    def _ends(self, event: Event) -> tuple[str, str, str, str]:
        to_type, to_id = event.data["to_type"], event.data["to_id"]
        return event.data["from_type"], event.subject, to_type, self.state.survivor(to_id)

    def _archive(self, object_type: str, event: Event) -> None:
        record_id = self.state.survivor(event.subject) if object_type == "contacts" else event.subject
        record = self.state.live[object_type].pop(record_id, None)
        if record is not None:
            record.archived_at = event.at
            self.state.archived[object_type][record_id] = record

    def _restore(self, object_type: str, event: Event) -> None:
        record_id = self.state.survivor(event.subject) if object_type == "contacts" else event.subject
        record = self.state.archived[object_type].get(record_id)
        if record is None or record.archived_at is None or event.at >= record.archived_at + ARCHIVE_KEPT:
            return
        record.archived_at = None
        self.state.live[object_type][record_id] = self.state.archived[object_type].pop(record_id)


def _stage_properties(stage_id: str) -> dict[str, str | None]:
    stage = STAGE_BY_ID[stage_id]
    return {
        "dealstage": stage_id,
        "hs_is_closed": "true" if stage.is_closed else "false",
        "hs_is_closed_won": "true" if stage.is_won else "false",
        "hs_is_closed_lost": "true" if stage.is_closed and not stage.is_won else "false",
        "hs_deal_stage_probability": stage.probability,
    }


class Script:
    """Writes events one by one: the vocabulary of the generator, and of tests that need a known history."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def _add(self, at: datetime, kind: str, subject: str, by: str | None = None, **data: Any) -> Event:
        event = Event(whole_ms(at), kind, subject, by, MappingProxyType(data))
        self.events.append(event)
        return event

    # --- contacts

    def form(
        self,
        at: datetime,
        contact: str,
        *,
        source: str = "ORGANIC_SEARCH",
        owner: str | None = QUEUE_ID,
        status: str | None = "NEW",
        name: tuple[str, str] = ("Sanne", "Voorbeeld"),
        email: str | None = None,
    ) -> None:
        """Make a contact by its first form; without an address it gets one of a company of its own."""
        self._contact(at, contact, "form", source, owner, status, name, None, email)

    def create(
        self,
        at: datetime,
        contact: str,
        *,
        by: str,
        source: str = "REFERRALS",
        status: str | None = "NEW",
        name: tuple[str, str] = ("Sanne", "Voorbeeld"),
    ) -> None:
        """Make a contact by hand, without a form."""
        self._contact(at, contact, "manual", source, by, status, name, by)

    def list_row(
        self,
        at: datetime,
        contact: str,
        *,
        source: str = "OFFLINE",
        owner: str | None = None,
        by: str | None = None,
        name: tuple[str, str] = ("Sanne", "Voorbeeld"),
    ) -> None:
        """Make a contact as one row of an imported list."""
        self._contact(at, contact, "import", source, owner, None, name, by)

    def _contact(
        self,
        at: datetime,
        contact: str,
        origin: str,
        source: str,
        owner: str | None,
        status: str | None,
        name: tuple[str, str],
        by: str | None,
        email: str | None = None,
    ) -> None:
        first_name, last_name = name
        mailbox = "".join(
            sign for sign in f"{first_name}.{last_name}".lower() if sign.isalnum() or sign == "."
        )
        self._add(
            at,
            "contact_created",
            contact,
            by,
            origin=origin,
            source=source,
            owner=owner,
            status=status,
            first_name=first_name,
            last_name=last_name,
            email=email or f"{mailbox}@bedrijf{contact}.example",
        )

    def form_again(self, at: datetime, contact: str) -> None:
        """Let a known contact send a form."""
        self._add(at, "form_submitted", contact)

    def assign(self, at: datetime, contact: str, owner: str | None, *, by: str | None = None) -> None:
        """Give a contact to an owner."""
        self._add(at, "owner_assigned", contact, by, owner=owner)

    def lifecycle(self, at: datetime, contact: str, stage: str, *, by: str | None = None) -> None:
        """Change the lifecycle stage of a contact."""
        self._add(at, "lifecycle_changed", contact, by, stage=stage)

    def status(self, at: datetime, contact: str, status: str, *, by: str | None = None) -> None:
        """Change the lead status of a contact."""
        self._add(at, "lead_status_changed", contact, by, status=status)

    def archive_contact(self, at: datetime, contact: str, *, by: str | None = None) -> None:
        """Archive a contact."""
        self._add(at, "contact_archived", contact, by)

    def restore_contact(self, at: datetime, contact: str, *, by: str | None = None) -> None:
        """Restore an archived contact."""
        self._add(at, "contact_restored", contact, by)

    def forget_contact(self, at: datetime, contact: str, *, by: str | None = None) -> None:
        """Delete a contact for good, on the request of the person."""
        self._add(at, "contact_gdpr_deleted", contact, by)

    def merge(self, at: datetime, new_id: str, merged: tuple[str, ...], *, by: str | None = None) -> None:
        """Merge contacts into a third record; the first of them is the primary one."""
        self._add(at, "contacts_merged", new_id, by, merged=merged)

    # --- activities

    def call(
        self,
        happened_at: datetime,
        call: str,
        contact: str | None,
        rep: str,
        *,
        direction: str = "out",
        outcome: str | None = "no_answer",
        seconds: int = 40,
        status: str = "COMPLETED",
        deal: str | None = None,
        logged_at: datetime | None = None,
        duration: str | None = None,
    ) -> datetime:
        """Log a call; give the instant at which it was logged."""
        at = logged_at or happened_at + timedelta(seconds=seconds + 15)
        self._add(
            at,
            "call_logged",
            call,
            rep,
            contact=contact,
            deal=deal,
            rep=rep,
            direction=direction,
            outcome=outcome,
            status=status,
            duration=duration or str(seconds * 1000),
            happened_at=whole_ms(happened_at),
        )
        return at

    def email(
        self,
        happened_at: datetime,
        email: str,
        contact: str | None,
        rep: str | None,
        *,
        direction: str = "out",
        automated: bool = False,
        deal: str | None = None,
    ) -> None:
        """Log an e-mail: sent, received (direction "in") or sent by a workflow."""
        self._add(
            happened_at + timedelta(seconds=1),
            "email_logged",
            email,
            None if automated else rep,
            contact=contact,
            deal=deal,
            rep=rep,
            direction=direction,
            automated=automated,
            happened_at=whole_ms(happened_at),
        )

    def meeting(
        self,
        booked_at: datetime,
        meeting: str,
        contact: str | None,
        rep: str,
        starts_at: datetime,
        *,
        minutes: int = 60,
        outcome: str | None = "COMPLETED",
        deal: str | None = None,
    ) -> None:
        """Book a meeting; its outcome follows when it is over."""
        ends_at = starts_at + timedelta(minutes=minutes)
        self._add(
            booked_at,
            "meeting_booked",
            meeting,
            rep,
            contact=contact,
            deal=deal,
            rep=rep,
            starts_at=whole_ms(starts_at),
            ends_at=whole_ms(ends_at),
        )
        if outcome:
            self._add(ends_at + timedelta(minutes=4), "meeting_outcome", meeting, rep, outcome=outcome)

    def task(
        self,
        at: datetime,
        task: str,
        contact: str | None,
        rep: str | None,
        due_at: datetime,
        *,
        task_type: str = "CALL",
        title: str = "Terugbellen",
        priority: str | None = None,
        workflow: str | None = None,
        deal: str | None = None,
        done_at: datetime | None = None,
    ) -> None:
        """Plan a task, by a person or (`workflow` names it) by a workflow; tick it off if it was done."""
        self._add(
            at,
            "task_logged",
            task,
            None if workflow else rep,
            contact=contact,
            deal=deal,
            rep=rep,
            due_at=whole_ms(due_at),
            task_type=task_type,
            title=title,
            priority=priority,
            workflow=workflow,
        )
        if done_at:
            self._add(done_at, "task_completed", task, rep)

    def message(
        self,
        happened_at: datetime,
        communication: str,
        contact: str | None,
        rep: str,
        *,
        channel: str = "WHATS_APP",
        deal: str | None = None,
        logged_at: datetime | None = None,
    ) -> None:
        """Log a message over WHATS_APP, LINKEDIN_MESSAGE or SMS."""
        self._add(
            logged_at or happened_at + timedelta(seconds=30),
            "communication_logged",
            communication,
            rep,
            contact=contact,
            deal=deal,
            rep=rep,
            channel=channel,
            happened_at=whole_ms(happened_at),
        )

    def note(
        self,
        at: datetime,
        note: str,
        contact: str | None,
        rep: str,
        *,
        text: str = "Belt volgende week terug",
        deal: str | None = None,
    ) -> None:
        """Write a note."""
        self._add(at, "note_logged", note, rep, contact=contact, deal=deal, rep=rep, text=text)

    # --- deals

    def deal(
        self,
        at: datetime,
        deal: str,
        owner: str,
        *,
        contacts: tuple[str, ...] = (),
        stage: str = "appointmentscheduled",
        amount: str | None = "5000",
        currency: str = "EUR",
        close_date: datetime | None = None,
        deal_type: str = "newbusiness",
        name: str = "Installatie",
    ) -> None:
        """Make a deal."""
        self._add(
            at,
            "deal_created",
            deal,
            owner,
            owner=owner,
            contacts=contacts,
            stage=stage,
            amount=amount,
            currency=currency,
            close_date=close_date,
            deal_type=deal_type,
            name=name,
        )

    def stage(
        self, at: datetime, deal: str, stage: str, *, by: str | None = None, reason: str | None = None
    ) -> None:
        """Move a deal to a stage."""
        self._add(at, "deal_stage_changed", deal, by, stage=stage, reason=reason)

    def amount(self, at: datetime, deal: str, amount: str | None, *, by: str | None = None) -> None:
        """Change the amount of a deal."""
        self._add(at, "deal_amount_changed", deal, by, amount=amount)

    def close_date(self, at: datetime, deal: str, close_date: datetime, *, by: str | None = None) -> None:
        """Move the expected close date of a deal."""
        self._add(at, "deal_close_date_moved", deal, by, close_date=close_date)

    def deal_owner(self, at: datetime, deal: str, owner: str, *, by: str | None = None) -> None:
        """Give a deal to an owner."""
        self._add(at, "deal_owner_changed", deal, by, owner=owner)

    def archive_deal(self, at: datetime, deal: str, *, by: str | None = None) -> None:
        """Archive a deal."""
        self._add(at, "deal_archived", deal, by)

    def delete_deal(self, at: datetime, deal: str, *, by: str | None = None) -> None:
        """Delete a deal, where the CRM knows deleting and archiving apart; HubSpot only archives."""
        self._add(at, "deal_archived", deal, by, how="deleted")

    def restore_deal(self, at: datetime, deal: str, *, by: str | None = None) -> None:
        """Restore an archived deal."""
        self._add(at, "deal_restored", deal, by)

    # --- the rest

    def deactivate(self, at: datetime, owner: str) -> None:
        """Let an owner leave."""
        self._add(at, "owner_deactivated", owner)

    def link(self, at: datetime, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        """Add an association and nothing else."""
        self._add(at, "association_added", from_id, from_type=from_type, to_type=to_type, to_id=to_id)

    def unlink(self, at: datetime, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        """Remove an association and nothing else."""
        self._add(at, "association_removed", from_id, from_type=from_type, to_type=to_type, to_id=to_id)

    def history(self, owners: Iterable[Owner]) -> History:
        """Close the script: everything written so far, in order of time."""
        return History(self.events, owners)
