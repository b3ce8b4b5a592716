"""Leads and companies, which the log has no events of: HubSpot's own workflows make them from the others."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from leadrole.sandbox.hubspot.catalog import ACTIVITIES, LEAD_PIPELINE_ID, LEAD_STAGES
from leadrole.sandbox.log import (
    ARCHIVE_KEPT,
    LIFECYCLE_ORDER,
    STAGE_BY_ID,
    Event,
    History,
    Record,
    Version,
    iso,
)

NEW, ATTEMPTING, CONNECTED, QUALIFIED, UNQUALIFIED = (stage.stage_id for stage in LEAD_STAGES)
CLOSED_STAGES = frozenset(stage.stage_id for stage in LEAD_STAGES if stage.is_closed)
STAGE_OF_STATUS = {
    "NEW": NEW,
    "OPEN": NEW,
    "ATTEMPTED_TO_CONTACT": ATTEMPTING,
    "IN_PROGRESS": ATTEMPTING,
    "CONNECTED": CONNECTED,
    "OPEN_DEAL": QUALIFIED,
    "UNQUALIFIED": UNQUALIFIED,
    "BAD_TIMING": UNQUALIFIED,
}
REASONS = {"UNQUALIFIED": "NOT_A_FIT", "BAD_TIMING": "BAD_TIMING"}
QUALIFIED_STAGES = frozenset({"salesqualifiedlead", "opportunity", "customer"})
WORKFLOW = "AUTOMATION_PLATFORM"
LOGGED = {
    "call_logged": "calls",
    "email_logged": "emails",
    "meeting_booked": "meetings",
    "task_logged": "tasks",
    "communication_logged": "communications",
    "note_logged": "notes",
}
LEADS_OF_ONE = 1000


def lead_id(contact_id: str, number: int = 1, *, id_offset: int = 0) -> str:
    """Give the id of the n-th lead of a contact, by the contact's id in the log."""
    return str(int(contact_id) * LEADS_OF_ONE + number + id_offset)


def company_id(contact_id: str, *, id_offset: int = 0) -> str:
    """Give the id of the company that came with a contact, by the contact's id in the log."""
    return str(int(contact_id) * 10 + 2 + id_offset)


class Derived:
    """The leads and companies at one instant, and what they are associated with."""

    def __init__(self, history: History, at: datetime, *, id_offset: int = 0) -> None:
        self.live: dict[str, dict[str, Record]] = {"leads": {}, "companies": {}}
        self.archived: dict[str, dict[str, Record]] = {"leads": {}, "companies": {}}
        self.links: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self.primary: dict[tuple[str, str], str] = {}  # (contacts or deals, id) -> its main company
        self.deals: dict[str, set[str]] = defaultdict(set)  # lead -> deals made from it
        self._id_offset = id_offset
        self._user_ids = {owner.owner_id: owner.user_id for owner in history.owners}
        self._merged: dict[str, str] = {}
        self._leads: dict[str, list[str]] = defaultdict(list)  # contact -> its leads, the current one last
        self._counts: dict[str, int] = defaultdict(int)
        self._owners: dict[str, str | None] = {}
        self._names: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self._before: dict[str, str] = {}  # lead -> its stage before it was qualified
        for event in history.until(at):
            if event.kind in LOGGED:
                self._activity(event)
            else:
                reader = getattr(self, f"_{event.kind}", None)
                if reader is not None:
                    reader(event)
        self._purge(at)

    def linked(self, from_type: str, from_id: str, to_type: str) -> list[str]:
        """Give what a record was associated with, in no order and dead or alive."""
        return list(self.links.get((from_type, to_type), {}).get(from_id, {}))

    def _purge(self, at: datetime) -> None:
        leads = self.archived["leads"]
        self.archived["leads"] = {
            one: record
            for one, record in leads.items()
            if record.archived_at is not None and record.archived_at > at - ARCHIVE_KEPT
        }
        for records in (self.live, self.archived):
            for name in records:
                records[name] = dict(sorted(records[name].items(), key=lambda item: int(item[0])))

    # --- records and links

    def _survivor(self, contact: str) -> str:
        while contact in self._merged:
            contact = self._merged[contact]
        return contact

    def _version(self, event: Event, changes: dict[str, str | None], *, by_hand: bool = False) -> Version:
        if by_hand and event.by:
            return Version(event.at, changes, "CRM_UI", self._user_ids.get(event.by))
        return Version(event.at, changes, WORKFLOW, None)

    def _create(self, object_type: str, record_id: str, event: Event, changes: dict[str, str | None]) -> None:
        record = Record(object_type, record_id, born_at=event.at)
        kept = {name: value for name, value in changes.items() if value is not None}
        record.set(self._version(event, {**kept, "hs_object_id": record_id}))
        self.live[object_type][record_id] = record

    def _link(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        self.links.setdefault((from_type, to_type), {}).setdefault(from_id, {})[to_id] = None
        self.links.setdefault((to_type, from_type), {}).setdefault(to_id, {})[from_id] = None

    def _unlink(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        self.links.get((from_type, to_type), {}).get(from_id, {}).pop(to_id, None)
        self.links.get((to_type, from_type), {}).get(to_id, {}).pop(from_id, None)

    def _lead(self, lead: str) -> Record | None:
        return self.live["leads"].get(lead) or self.archived["leads"].get(lead)

    def _current(self, contact: str) -> Record | None:
        leads = self._leads.get(self._survivor(contact))
        return self._lead(leads[-1]) if leads else None

    def _log_id(self, contact: str) -> str:
        return str(int(contact) - self._id_offset)

    # --- contacts

    def _contact_created(self, event: Event) -> None:
        data, contact = event.data, event.subject
        self._names[contact] = f"{data['first_name']} {data['last_name']}"
        self._owners[contact] = data.get("owner")
        _, has_domain, domain = data["email"].partition("@")
        if has_domain:
            self._company(event, contact, domain)
        self._new_lead(event, contact, STAGE_OF_STATUS.get(data.get("status") or "NEW", NEW))

    def _company(self, event: Event, contact: str, domain: str) -> None:
        company = self._domains.get(domain)
        if company is None:
            company = company_id(self._log_id(contact), id_offset=self._id_offset)
            self._domains[domain] = company
            changes: dict[str, str | None] = {
                "createdate": iso(event.at),
                "name": domain.partition(".")[0].capitalize(),
                "domain": domain,
                "lifecyclestage": "lead",
                "hs_object_source_label": WORKFLOW,
            }
            self._create("companies", company, event, changes)
        self._link("contacts", contact, "companies", company)
        self.primary["contacts", contact] = company

    def _new_lead(self, event: Event, contact: str, stage: str) -> None:
        self._counts[contact] += 1
        lead = lead_id(self._log_id(contact), self._counts[contact], id_offset=self._id_offset)
        changes: dict[str, str | None] = {
            "hs_createdate": iso(event.at),
            "hs_lead_name": self._names.get(contact),
            "hs_pipeline": LEAD_PIPELINE_ID,
            "hs_pipeline_stage": stage,
            "hs_v2_date_entered_current_stage": iso(event.at),
            "hs_lead_type": "NEW_BUSINESS" if self._counts[contact] == 1 else "RE_ATTEMPTING",
            "hubspot_owner_id": self._owners.get(contact),
            "hs_primary_contact_id": contact,
            "hs_object_source_label": WORKFLOW,
        }
        self._create("leads", lead, event, changes)
        self._leads[contact].append(lead)
        self._link("leads", lead, "contacts", contact)
        company = self.primary.get(("contacts", contact))
        if company:
            self._link("leads", lead, "companies", company)

    def _move(self, event: Event, lead: Record, stage: str, reason: str | None = None) -> None:
        before = lead.properties["hs_pipeline_stage"] or NEW
        if before == stage:
            return
        if stage == QUALIFIED:
            self._before[lead.record_id] = before
        changes: dict[str, str | None] = {
            "hs_pipeline_stage": stage,
            "hs_v2_date_entered_current_stage": iso(event.at),
        }
        if reason is not None:
            changes["hs_lead_disqualification_reason"] = reason
        lead.set(self._version(event, changes, by_hand=True))

    def _form_submitted(self, event: Event) -> None:
        contact, lead = self._survivor(event.subject), self._current(event.subject)
        if contact in self._owners and (
            lead is None or lead.properties["hs_pipeline_stage"] in CLOSED_STAGES
        ):
            self._new_lead(event, contact, NEW)

    def _owner_assigned(self, event: Event) -> None:
        contact, lead = self._survivor(event.subject), self._current(event.subject)
        self._owners[contact] = event.data["owner"]
        if lead is not None:
            # The workflow copies the owner, whoever set it on the contact.
            lead.set(self._version(event, {"hubspot_owner_id": event.data["owner"]}))

    def _lead_status_changed(self, event: Event) -> None:
        lead, status = self._current(event.subject), event.data["status"]
        stage = STAGE_OF_STATUS.get(status)
        if lead is None or stage is None:
            return
        if lead.properties["hs_pipeline_stage"] == QUALIFIED and stage not in CLOSED_STAGES:
            # What happens after the hand-over is the deal's story.
            return
        self._move(event, lead, stage, REASONS.get(status))

    def _lifecycle_changed(self, event: Event) -> None:
        lead = self._current(event.subject)
        if lead is None:
            return
        if event.data["stage"] in QUALIFIED_STAGES:
            self._move(event, lead, QUALIFIED)
        elif lead.properties["hs_pipeline_stage"] == QUALIFIED:
            self._move(event, lead, self._before.get(lead.record_id, NEW))

    def _contact_archived(self, event: Event) -> None:
        # A lead goes with its contact and comes back with it.
        for lead in self._leads[self._survivor(event.subject)]:
            record = self.live["leads"].pop(lead, None)
            if record is not None:
                record.archived_at = event.at
                self.archived["leads"][lead] = record

    def _contact_restored(self, event: Event) -> None:
        for lead in self._leads[self._survivor(event.subject)]:
            record = self.archived["leads"].get(lead)
            if record is None or record.archived_at is None or event.at >= record.archived_at + ARCHIVE_KEPT:
                continue
            record.archived_at = None
            self.live["leads"][lead] = self.archived["leads"].pop(lead)

    def _contact_gdpr_deleted(self, event: Event) -> None:
        contact = self._survivor(event.subject)
        for lead in self._leads.pop(contact, []):
            self.live["leads"].pop(lead, None)
            self.archived["leads"].pop(lead, None)
        self._owners.pop(contact, None)

    def _contacts_merged(self, event: Event) -> None:
        survivor = event.subject
        losers = [self._survivor(loser) for loser in event.data["merged"]]
        self._names[survivor] = self._names.get(losers[0], "")
        self._owners[survivor] = self._owners.get(losers[0])
        leads = [lead for loser in losers for lead in self._leads.pop(loser, [])]
        leads = [lead for lead in leads if self._lead(lead) is not None]
        leads.sort(key=lambda lead: self._made(lead))
        self._leads[survivor] = leads
        for lead in leads:
            record = self._lead(lead)
            if record is not None:
                record.set(self._version(event, {"hs_primary_contact_id": survivor}))
        for loser in losers:
            self._merged[loser] = survivor
            for object_type in ("leads", "companies"):
                for other in self.linked("contacts", loser, object_type):
                    self._unlink("contacts", loser, object_type, other)
                    self._link("contacts", survivor, object_type, other)
        company = next(
            (self.primary[key] for one in losers if (key := ("contacts", one)) in self.primary), None
        )
        if company is not None:
            self.primary["contacts", survivor] = company

    def _made(self, lead: str) -> tuple[datetime, int]:
        record = self._lead(lead)
        return (record.created_at if record else datetime.max, int(lead))

    # --- deals and activities

    def _deal_created(self, event: Event) -> None:
        for contact in dict.fromkeys(self._survivor(one) for one in event.data.get("contacts", ())):
            lead = self._current(contact)
            if lead is not None:
                self.deals[lead.record_id].add(event.subject)
            company = self.primary.get(("contacts", contact))
            if company is not None:
                self._link("deals", event.subject, "companies", company)
                self.primary.setdefault(("deals", event.subject), company)
                self._lift(event, company, "opportunity")

    def _deal_stage_changed(self, event: Event) -> None:
        company = self.primary.get(("deals", event.subject))
        if company is not None and STAGE_BY_ID[event.data["stage"]].is_won:
            self._lift(event, company, "customer")

    def _lift(self, event: Event, company: str, stage: str) -> None:
        record = self.live["companies"][company]
        now = record.properties["lifecyclestage"] or "subscriber"
        if LIFECYCLE_ORDER.index(stage) > LIFECYCLE_ORDER.index(now):
            record.set(self._version(event, {"lifecyclestage": stage}))

    def _activity(self, event: Event) -> None:
        object_type = LOGGED[event.kind]
        contact = event.data.get("contact")
        if not contact or object_type not in ACTIVITIES:
            return
        contact = self._survivor(contact)
        lead = self._current(contact)
        if lead is not None and object_type != "notes":
            self._link(object_type, event.subject, "leads", lead.record_id)
        company = self.primary.get(("contacts", contact))
        if company is not None:
            self._link(object_type, event.subject, "companies", company)
