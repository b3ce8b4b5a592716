"""The event log as Salesforce's records: one method for each kind of event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import LIFECYCLE_ORDER, STAGE_BY_ID, STAGES, Event, History, Owner
from leadrole.sandbox.salesforce.ids import (
    AUTOMATED_ID,
    ORGANIZATION_ID,
    UNASSIGNED_ID,
    account_id,
    contact_id,
    contact_role_id,
    event_id,
    group_id,
    lead_id,
    make_id,
    number_of,
    opportunity_id,
    task_id,
    user_id,
)
from leadrole.sandbox.salesforce.schema import (
    LEAD_STATUSES,
    PARENTS,
    PREFIXES,
    SOURCES,
    TASK_STATUSES,
    TRACKED,
)
from leadrole.sandbox.salesforce.world import Change, Entity, Row, World

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
QUALIFIED_STAGES = frozenset({"salesqualifiedlead", "opportunity", "customer"})
STATUS_LABELS = {
    None: "Open - Not Contacted", "NEW": "Open - Not Contacted", "OPEN": "Open", "ATTEMPTED_TO_CONTACT": "Attempted",
    "IN_PROGRESS": "Working", "CONNECTED": "Connected", "UNQUALIFIED": "Unqualified", "BAD_TIMING": "Bad Timing",
}  # fmt: skip
DISPOSITIONS = {
    "connected": "Connected", "no_answer": "No Answer", "voicemail": "Left Voicemail", "busy": "Busy",
    "wrong_number": "Wrong Number", "live_message": "Left Live Message",
}  # fmt: skip
DEAL_TYPES = {"newbusiness": "New Business", "existingbusiness": "Existing Business"}
TRACKED_FIELDS = {
    "Lead": ("Status", "OwnerId", "Last_Form__c"),
    "Contact": ("OwnerId", "Last_Form__c"),
    "Opportunity": ("StageName", "Amount", "CloseDate", "OwnerId", "Loss_Reason__c"),
}
# Texts that break readers of CSV: quoted newlines, and words that some take for nothing.
AWKWARD_TEXTS = (
    'Gebeld over de offerte:\n"liever na de zomer", zei ze.\n',
    "NA",
    "null",
    "None",
    "N/A",
    ";,\t'",
)
ACTIVITIES = ("calls", "emails", "meetings", "tasks", "communications")
RATES = {"EUR": 1.0, "USD": 1.08, "GBP": 0.86, "CHF": 0.95}


@dataclass(slots=True, eq=False)
class Person:
    """A contact of the log: its lead, and the contact and account once that is converted."""

    key: str
    lead: Entity
    lifecycle: str = "lead"
    lead_status: str | None = None
    contact: Entity | None = None
    account: Entity | None = None
    absorbed: list[Entity] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    is_deleted: bool = False
    is_gone: bool = False

    @property
    def record(self) -> Entity:
        """The record one works with: the contact once there is one."""
        return self.contact or self.lead


@dataclass(slots=True, eq=False)
class Activity:
    """A task or event, and whom and what it was about."""

    entity: Entity
    people: list[Person] = field(default_factory=list)
    deals: list[str] = field(default_factory=list)


class Fold:
    """The records of an org, made by its events up to an instant."""

    def __init__(self, history: History, at: datetime, world: World) -> None:
        self.at = at
        self.world = world
        self.zone = ZoneInfo(world.zone)
        self.entities: dict[str, dict[str, Entity]] = {name: {} for name in PREFIXES}
        self._owners = {owner.owner_id: owner for owner in history.owners}
        self._people: dict[str, Person] = {}
        self._activities: dict[str, Activity] = {}
        self._history_count = {"008": 0, "017": 0}
        self._role_count: dict[tuple[str, str], int] = {}
        self._roles_of: dict[str, list[str]] = {}  # by the id of an opportunity or a contact
        self._setup(history.owners)
        for event in history.until(at):
            handle = getattr(self, f"_{event.kind}", None)
            if handle is not None:
                handle(event)

    # --- records

    def _make(self, object_type: str, record_id: str, at: datetime, by: str, values: Row) -> Entity:
        entity = Entity(object_type, record_id)
        if self.world.multi_currency:
            values.setdefault("CurrencyIsoCode", self.world.currency)
        entity.add(Change(at, values, by))
        self.entities[object_type][record_id] = entity
        return entity

    def _change(
        self, entity: Entity, event: Event, values: Row, *, is_system: bool = False, is_rule: bool = False
    ) -> None:
        """Change a record if anything differs, and keep the history that the vendor keeps of it."""
        before = {name: entity.values.get(name) for name in values}
        changed = {name: value for name, value in values.items() if value != before[name]}
        if not changed:
            return
        by = AUTOMATED_ID if is_system else self._by(event)
        entity.add(Change(event.at, changed, by, is_system))
        for name in TRACKED_FIELDS.get(entity.object_type, ()):
            if name in changed:
                self._track(entity, event, name, before[name], changed[name], is_rule)
        if entity.object_type == "Opportunity" and changed.keys() & {
            "StageName", "Amount", "Probability", "CloseDate",
        }:  # fmt: skip
            self._add_stage_row(entity, event)

    def _delete(self, entity: Entity, event: Event, master: str | None = None) -> None:
        if entity.deleted_at is None and not entity.is_erased:
            values: Row = {"IsDeleted": True, **({"MasterRecordId": master} if master else {})}
            entity.add(Change(event.at, values, self._by(event)))

    def _undelete(self, entity: Entity, event: Event) -> None:
        kept = timedelta(days=self.world.bin_days)
        if entity.deleted_at is not None and event.at < entity.deleted_at + kept and not entity.is_erased:
            entity.add(Change(event.at, {"IsDeleted": False}, self._by(event)))

    def _erase(self, entity: Entity, event: Event) -> None:
        entity.add(Change(event.at, {"IsErased": True}, self._by(event)))

    # --- history objects

    def _track(
        self, entity: Entity, event: Event, name: str, old: Any, new: Any, is_rule: bool = False
    ) -> None:
        if name != "OwnerId":
            kinds = {"Amount": "Currency", "CloseDate": "DateOnly", "Last_Form__c": "DateTime"}
            self._add_history(entity, event, name, kinds.get(name, "Text"), old, new)
            return
        # A change of owner is told twice, once with names and once with ids.
        shown = "ownerAssignment" if is_rule and entity.object_type == "Lead" else "Owner"
        self._add_history(entity, event, shown, "Text", self._name(old), self._name(new))
        self._add_history(entity, event, shown, "EntityId", old, new)

    def _add_history(
        self, entity: Entity, event: Event, name: str, kind: str = "Text", old: Any = None, new: Any = None
    ) -> None:
        object_type = TRACKED[entity.object_type]
        values = {
            PARENTS[object_type]: entity.record_id,
            "Field": name,
            "DataType": kind,
            "OldValue": old,
            "NewValue": new,
        }
        self._add_row(object_type, entity, event, values)

    def _add_stage_row(self, entity: Entity, event: Event) -> None:
        names = (
            "StageName", "Amount", "ExpectedRevenue", "CloseDate", "Probability", "ForecastCategory",
            "CurrencyIsoCode",
        )  # fmt: skip
        values = {name: entity.values.get(name) for name in names}
        self._add_row("OpportunityHistory", entity, event, {"OpportunityId": entity.record_id, **values})

    def _add_row(self, object_type: str, parent: Entity, event: Event, values: Row) -> None:
        prefix = PREFIXES[object_type]
        self._history_count[prefix] += 1
        row = Entity(object_type, make_id(prefix, self._history_count[prefix]), parent=parent)
        row.add(Change(event.at, values, self._by(event)))
        self.entities[object_type][row.record_id] = row

    # --- users and other settings

    def _setup(self, owners: Iterable[Owner]) -> None:
        zone = self.world.zone
        self._make("Organization", ORGANIZATION_ID, BEGINNING, AUTOMATED_ID, {
            "Name": "Installaties", "OrganizationType": "Enterprise Edition", "InstanceName": "EU52",
            "IsSandbox": False, "TimeZoneSidKey": zone, "LanguageLocaleKey": "nl_NL",
        })  # fmt: skip
        robot = {"Name": "Automated Process", "LastName": "Process", "FirstName": "Automated",
                 "UserType": "AutomatedProcess", "Username": "autoproc@installaties.example",
                 "Email": "autoproc@installaties.example"}  # fmt: skip
        self._add_user(AUTOMATED_ID, BEGINNING, robot)
        self._add_queue(UNASSIGNED_ID, BEGINNING, "Niet toegewezen", None)
        for owner in owners:
            if owner.created_at > self.at:
                continue
            name = f"{owner.first_name} {owner.last_name}"
            if owner.kind == "QUEUE":
                self._add_queue(group_id(owner.owner_id), owner.created_at, name, owner.email)
                continue
            self._add_user(user_id(owner.owner_id), owner.created_at, {
                "Name": name, "FirstName": owner.first_name, "LastName": owner.last_name, "Email": owner.email,
                "Username": owner.email, "UserType": "Standard",
            })  # fmt: skip
        self._setup_picklists()
        if self.world.multi_currency:
            self._setup_currencies()

    def _add_user(self, record_id: str, at: datetime, values: Row) -> None:
        more: Row = {"IsActive": True, "TimeZoneSidKey": self.world.zone}
        if self.world.multi_currency:
            more["DefaultCurrencyIsoCode"] = self.world.currency
        self._make("User", record_id, at, AUTOMATED_ID, {**values, **more})

    def _add_queue(self, record_id: str, at: datetime, name: str, email: str | None) -> None:
        developer_name = name.replace(" ", "_")
        values = {"Name": name, "DeveloperName": developer_name, "Type": "Queue", "Email": email,
                  "OwnerId": ORGANIZATION_ID}  # fmt: skip
        self._make("Group", record_id, at, AUTOMATED_ID, values)

    def _setup_picklists(self) -> None:
        for stage in STAGES:
            if stage.stage_id in self.world.unlisted_stages or stage.label in self.world.unlisted_stages:
                continue
            label = self.world.stage_labels.get(stage.stage_id, stage.label)
            order = self.world.stage_orders.get(stage.stage_id, stage.order) + 1
            self._make_picklist("OpportunityStage", stage.label, order, {
                "MasterLabel": label, "IsActive": True, "IsClosed": stage.is_closed, "IsWon": stage.is_won,
                **_forecast(stage.stage_id), "DefaultProbability": round(float(stage.probability) * 100, 2),
            })  # fmt: skip
        for order, status in enumerate(LEAD_STATUSES, 1):
            values = {"IsDefault": order == 1, "IsConverted": status == "Converted"}
            self._make_picklist("LeadStatus", status, order, values)
        for order, (status, is_closed) in enumerate(TASK_STATUSES, 1):
            self._make_picklist("TaskStatus", status, order, {"IsDefault": order == 1, "IsClosed": is_closed})

    def _make_picklist(self, object_type: str, name: str, order: int, values: Row) -> None:
        record_id = make_id(PREFIXES[object_type], number_of(f"{object_type}:{name}"))
        values = {"MasterLabel": name, "ApiName": name, "SortOrder": order, **values}
        self._make(object_type, record_id, BEGINNING, AUTOMATED_ID, values)

    def _setup_currencies(self) -> None:
        for code, rate in RATES.items():
            record_id = make_id(PREFIXES["CurrencyType"], number_of(code))
            entity = self._make("CurrencyType", record_id, BEGINNING, AUTOMATED_ID, {
                "IsoCode": code, "ConversionRate": rate / RATES[self.world.currency], "DecimalPlaces": 2,
                "IsActive": True, "IsCorporate": code == self.world.currency,
            })  # fmt: skip
            if code == "CHF":
                entity.add(Change(datetime(2025, 3, 1, tzinfo=UTC), {"IsActive": False}, AUTOMATED_ID))
        self._setup_dated_rates()

    def _setup_dated_rates(self) -> None:
        """One rate for each month; the newest ends when its successor is made."""
        month, number = date(2025, 1, 1), 0
        newest: dict[str, Entity] = {}
        while datetime(month.year, month.month, 1, tzinfo=UTC) <= self.at:
            made_at = datetime(month.year, month.month, 1, tzinfo=UTC)
            for code in ("USD", "GBP"):
                if code in newest:
                    newest[code].add(Change(made_at, {"NextStartDate": month}, AUTOMATED_ID))
                rate = round(RATES[code] / RATES[self.world.currency] * (1 + (number * 7 % 11 - 5) / 200), 6)
                record_id = make_id(PREFIXES["DatedConversionRate"], number_of(f"{code}:{month}"))
                newest[code] = self._make("DatedConversionRate", record_id, made_at, AUTOMATED_ID, {
                    "IsoCode": code, "StartDate": month, "NextStartDate": date(9999, 12, 31),
                    "ConversionRate": rate,
                })  # fmt: skip
            number += 1
            month = date(month.year + month.month // 12, month.month % 12 + 1, 1)

    def _by(self, event: Event) -> str:
        return user_id(event.by) if event.by else AUTOMATED_ID

    def _user(self, owner: str | None) -> str:
        """The user that can own what a queue can't."""
        known = self._owners.get(owner or "")
        return AUTOMATED_ID if owner is None or (known and known.kind == "QUEUE") else user_id(owner)

    def _owner(self, owner: str | None) -> str:
        if owner is None:
            return UNASSIGNED_ID
        known = self._owners.get(owner)
        return group_id(owner) if known and known.kind == "QUEUE" else user_id(owner)

    def _name(self, record_id: str | None) -> str | None:
        entity = self.entities["User"].get(record_id or "") or self.entities["Group"].get(record_id or "")
        return entity.values["Name"] if entity else record_id

    def _owner_deactivated(self, event: Event) -> None:
        entity = self.entities["User"].get(user_id(event.subject))
        if entity is not None:
            entity.add(Change(event.at, {"IsActive": False}, AUTOMATED_ID))

    # --- leads and contacts

    def _person(self, contact: str) -> Person | None:
        person = self._people.get(contact)
        return None if person is None or person.is_gone else person

    def _contact_created(self, event: Event) -> None:
        data = event.data
        values = {
            "FirstName": data["first_name"], "LastName": data["last_name"],
            "Name": f"{data['first_name']} {data['last_name']}", "Company": f"Bedrijf {event.subject}",
            "Email": data["email"], "LeadSource": SOURCES.get(data["source"], data["source"]),
            "Status": _status_label(data.get("status")), "OwnerId": self._owner(data.get("owner")),
            "IsConverted": False,
            "Last_Form__c": event.at.replace(microsecond=0) if data["origin"] == "form" else None,
        }  # fmt: skip
        lead = self._make("Lead", lead_id(event.subject), event.at, self._by(event), values)
        self._people[event.subject] = Person(event.subject, lead, lead_status=data.get("status"))
        self._add_history(lead, event, "created")

    def _form_submitted(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is not None:
            self._change(person.record, event, {"Last_Form__c": event.at.replace(microsecond=0)})

    def _owner_assigned(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        owner = event.data["owner"]
        if person.contact is None:
            self._change(person.lead, event, {"OwnerId": self._owner(owner)}, is_rule=event.by is None)
        else:
            self._change(person.contact, event, {"OwnerId": self._user(owner)})

    def _lifecycle_changed(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        person.lifecycle = event.data["stage"]
        if person.lifecycle == "customer" and person.contact is None:
            # A customer is no lead; one without a deal is converted without an opportunity.
            self._convert(person, event, None)
        self._show_status(person, event)

    def _lead_status_changed(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is not None:
            person.lead_status = event.data["status"]
            self._show_status(person, event)

    def _show_status(self, person: Person, event: Event) -> None:
        """A converted lead can't be edited; the status of a qualified one says just that."""
        if person.contact is None:
            is_qualified = person.lifecycle in QUALIFIED_STAGES
            label = "Qualified" if is_qualified else _status_label(person.lead_status)
            self._change(person.lead, event, {"Status": label})

    def _contact_archived(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None or person.is_deleted:
            return
        person.is_deleted = True
        for entity in self._all_of(person):
            self._delete(entity, event)

    def _contact_restored(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None or not person.is_deleted:
            return
        gone_at = person.record.deleted_at
        for entity in self._all_of(person):
            if entity.deleted_at == gone_at:
                self._undelete(entity, event)
        person.is_deleted = person.record.deleted_at is not None

    def _contact_gdpr_deleted(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        person.is_gone = True
        for entity in chain(self._all_of(person), person.absorbed):
            self._erase(entity, event)
        for activity in list(person.activities):
            self._show_links(activity, event)

    def _all_of(self, person: Person) -> list[Entity]:
        """The records that are this person, and the roles that go and come with the contact."""
        if person.contact is None:
            return [person.lead]
        return [person.lead, person.contact, *self._roles(contact=person.contact)]

    def _convert(self, person: Person, event: Event, deal: Entity | None, into: Person | None = None) -> None:
        """Convert the lead, into a contact that is there already if `into` has one."""
        lead, by = person.lead, self._by(event)
        if into is not None and into.contact is not None:
            contact, account = into.contact, into.account
        else:
            values = lead.values
            owner = values["OwnerId"]
            if owner.startswith(PREFIXES["Group"]):
                owner = deal.values["OwnerId"] if deal else by
            account = self._make("Account", account_id(person.key), event.at, by,
                                 {"Name": values["Company"], "OwnerId": owner})  # fmt: skip
            same = ("FirstName", "LastName", "Name", "Email", "LeadSource", "Last_Form__c")
            contact = self._make("Contact", contact_id(person.key), event.at, by, {
                **{name: values[name] for name in same}, "OwnerId": owner, "AccountId": account.record_id,
            })  # fmt: skip
            self._add_history(contact, event, "created")
        person.contact, person.account = contact, account
        self._change(lead, event, {
            "IsConverted": True, "ConvertedDate": self._local_date(event.at), "Status": "Converted",
            "ConvertedContactId": contact.record_id,
            "ConvertedAccountId": account.record_id if account else None,
            "ConvertedOpportunityId": deal.record_id if deal else None,
        })  # fmt: skip
        self._add_history(lead, event, "leadConverted")
        for activity in person.activities:
            self._show_links(activity, event)

    def _contacts_merged(self, event: Event) -> None:
        people: list[Person] = []
        for one in event.data["merged"]:
            person = self._person(one)
            if person is not None and person not in people:
                people.append(person)
        if not people:
            return
        # With a contact among them the leads are converted into it; else the first lead is the master.
        master = next((person for person in people if person.contact), people[0])
        losers = [person for person in people if person is not master]
        forms = [one for person in people if (one := person.record.values.get("Last_Form__c"))]
        for loser in losers:
            self._absorb(master, loser, event)
        for loser in losers:
            master.lifecycle = max(master.lifecycle, loser.lifecycle, key=_lifecycle_order)
            master.lead_status = master.lead_status or loser.lead_status
        if losers:
            record = master.record
            # A merge always stamps its master, whether or not a value of it changes.
            record.add(Change(event.at, {}, self._by(event)))
            if record.object_type == "Lead":
                self._add_history(record, event, "leadMerged")
            self._change(record, event, {"Last_Form__c": max(forms, default=None)})
            self._show_status(master, event)
        for key, person in list(self._people.items()):
            if person in losers:
                self._people[key] = master
        self._people[event.subject] = master

    def _absorb(self, master: Person, loser: Person, event: Event) -> None:
        if master.contact is None:
            self._delete(loser.lead, event, master.lead.record_id)
            master.absorbed.append(loser.lead)
        elif loser.contact is None:
            self._convert(loser, event, None, into=master)
            master.absorbed.append(loser.lead)
        else:
            self._delete(loser.contact, event, master.contact.record_id)
            master.absorbed += [loser.lead, loser.contact]
            self._move_roles(master.contact, loser.contact, event)
        master.absorbed += loser.absorbed
        for activity in loser.activities:
            people = [master if person is loser else person for person in activity.people]
            activity.people = list(dict.fromkeys(people))
            if activity not in master.activities:
                master.activities.append(activity)
            self._show_links(activity, event)

    # --- opportunities

    def _deal_created(self, event: Event) -> None:
        data = event.data
        amount = _number(data.get("amount"))
        close_date = data.get("close_date")
        values: Row = {
            "Name": data["name"], "Amount": amount, "Type": DEAL_TYPES.get(data.get("deal_type") or ""),
            # The vendor wants a close date on every opportunity.
            "CloseDate": self._local_date(close_date or event.at + timedelta(days=90)),
            "OwnerId": self._user(data["owner"]), **_stage_values(data["stage"], amount),
        }  # fmt: skip
        if self.world.multi_currency:
            values["CurrencyIsoCode"] = data.get("currency") or self.world.currency
        deal = self._make("Opportunity", opportunity_id(event.subject), event.at, self._by(event), values)
        self._add_history(deal, event, "created")
        self._add_stage_row(deal, event)
        for one in data.get("contacts", ()):
            self._attach(event.subject, one, event)

    def _attach(self, deal_key: str, contact_key: str, event: Event) -> None:
        """Bring a person to an opportunity: a lead is converted into it."""
        deal, person = self.entities["Opportunity"].get(opportunity_id(deal_key)), self._person(contact_key)
        if deal is None or person is None or person.is_deleted:
            return
        if person.contact is None:
            self._convert(person, event, deal)
        contact = person.contact
        assert contact is not None
        roles = [role for role in self._roles(deal=deal) if role.deleted_at is None]
        if any(role.values["ContactId"] == contact.record_id for role in roles):
            return
        number = self._role_count[deal_key, person.key] = self._role_count.get((deal_key, person.key), 0) + 1
        role_id = contact_role_id(deal_key, person.key, number)
        self._make("OpportunityContactRole", role_id, event.at, self._by(event), {
            "OpportunityId": deal.record_id, "ContactId": contact.record_id, "IsPrimary": not roles,
            "Role": "Decision Maker" if not roles else None,
        })  # fmt: skip
        self._roles_of.setdefault(deal.record_id, []).append(role_id)
        self._roles_of.setdefault(contact.record_id, []).append(role_id)
        if deal.values.get("AccountId") is None:
            self._change(deal, event, {"AccountId": contact.values["AccountId"]}, is_system=True)

    def _detach(self, deal_key: str, contact_key: str, event: Event) -> None:
        deal, person = self.entities["Opportunity"].get(opportunity_id(deal_key)), self._person(contact_key)
        if deal is None or person is None or person.contact is None:
            return
        for role in self._roles(deal=deal):
            if role.values["ContactId"] == person.contact.record_id:
                self._delete(role, event)

    def _roles(self, *, deal: Entity | None = None, contact: Entity | None = None) -> list[Entity]:
        one = deal or contact
        ids = self._roles_of.get(one.record_id, []) if one else []
        return [self.entities["OpportunityContactRole"][role_id] for role_id in ids]

    def _move_roles(self, master: Entity, loser: Entity, event: Event) -> None:
        for role in self._roles(contact=loser):
            if role.deleted_at is not None:
                continue
            deal = self.entities["Opportunity"][role.values["OpportunityId"]]
            if any(
                other.values["ContactId"] == master.record_id and other.deleted_at is None
                for other in self._roles(deal=deal)
            ):
                self._delete(role, event)
                continue
            self._change(role, event, {"ContactId": master.record_id}, is_system=True)
            self._roles_of.setdefault(master.record_id, []).append(role.record_id)
        self._roles_of[loser.record_id] = []

    def _deal_change(self, event: Event, values: Row) -> None:
        deal = self.entities["Opportunity"].get(opportunity_id(event.subject))
        if deal is not None:
            self._change(deal, event, values)

    def _deal_stage_changed(self, event: Event) -> None:
        deal = self.entities["Opportunity"].get(opportunity_id(event.subject))
        if deal is None:
            return
        stage = STAGE_BY_ID[event.data["stage"]]
        values = _stage_values(stage.stage_id, deal.values["Amount"])
        if stage.is_closed:
            values["CloseDate"] = self._local_date(event.at)
            values["Loss_Reason__c"] = event.data.get("reason")
        self._change(deal, event, values)

    def _deal_amount_changed(self, event: Event) -> None:
        deal = self.entities["Opportunity"].get(opportunity_id(event.subject))
        if deal is not None:
            amount = _number(event.data["amount"])
            expected = _expected(amount, deal.values["Probability"])
            self._change(deal, event, {"Amount": amount, "ExpectedRevenue": expected})

    def _deal_close_date_moved(self, event: Event) -> None:
        self._deal_change(event, {"CloseDate": self._local_date(event.data["close_date"])})

    def _deal_owner_changed(self, event: Event) -> None:
        self._deal_change(event, {"OwnerId": self._user(event.data["owner"])})

    def _deal_archived(self, event: Event) -> None:
        deal = self.entities["Opportunity"].get(opportunity_id(event.subject))
        if deal is not None:
            for entity in (deal, *self._roles(deal=deal)):
                self._delete(entity, event)

    def _deal_restored(self, event: Event) -> None:
        deal = self.entities["Opportunity"].get(opportunity_id(event.subject))
        if deal is None or deal.deleted_at is None:
            return
        went_with_it = [role for role in self._roles(deal=deal) if role.deleted_at == deal.deleted_at]
        for entity in (deal, *went_with_it):
            self._undelete(entity, event)

    # --- activities

    def _add_activity(self, object_type: str, event: Event, record_id: str, values: Row) -> None:
        entity = self._make(object_type, record_id, event.at, self._by(event), values)
        activity = self._activities[event.subject] = Activity(entity)
        if event.data.get("contact"):
            self._join(activity, event.data["contact"])
        if event.data.get("deal"):
            activity.deals.append(event.data["deal"])
        # Whom and what it is about belongs to its making, not to a change of it.
        made = entity.changes.pop()
        entity.add(Change(made.at, {**made.values, **self._links(activity)}, made.by))

    def _call_logged(self, event: Event) -> None:
        data = event.data
        status = {"COMPLETED": "Completed", "CANCELED": "Canceled"}.get(data.get("status", ""), "Deferred")
        outcome = data.get("outcome")
        milliseconds = _number(data.get("duration"))
        is_out = data["direction"] == "out"
        self._add_activity("Task", event, task_id(event.subject), {
            "Subject": "Call", "TaskSubtype": "Call", **self._task(event, status),
            "CallType": "Outbound" if is_out else "Inbound", "CallDisposition": DISPOSITIONS.get(outcome or ""),
            "CallDurationInSeconds": None if milliseconds is None else int(milliseconds) // 1000,
            "Direction__c": "Outbound" if is_out else "Inbound",
        })  # fmt: skip

    def _email_logged(self, event: Event) -> None:
        is_out = event.data["direction"] == "out"
        self._add_activity("Task", event, task_id(event.subject), {
            "Subject": "Email: uw aanvraag" if is_out else "Email: Re: uw aanvraag", "TaskSubtype": "Email",
            **self._task(event, "Completed"), "Direction__c": "Outbound" if is_out else "Inbound",
        })  # fmt: skip

    def _task_logged(self, event: Event) -> None:
        kinds = {"CALL": "Call", "EMAIL": "Email"}
        values = self._task(event, "Not Started")
        values["TaskSubtype"] = kinds.get(event.data["task_type"], "Task")
        values["Subject"] = event.data.get("title")
        values["OwnerId"] = self._owner(event.data.get("rep"))
        values["Priority"] = {"HIGH": "High", "LOW": "Low"}.get(event.data.get("priority") or "", "Normal")
        values["IsHighPriority"] = values["Priority"] == "High"
        self._add_activity("Task", event, task_id(event.subject), values)

    def _task_completed(self, event: Event) -> None:
        activity = self._activities.get(event.subject)
        if activity is not None:
            done = {
                "Status": "Completed",
                "IsClosed": True,
                "CompletedDateTime": event.at.replace(microsecond=0),
            }
            self._change(activity.entity, event, done)

    def _communication_logged(self, event: Event) -> None:
        values = {**self._task(event, "Completed"), "TaskSubtype": "Task", "Direction__c": "Outbound"}
        values["Subject"] = event.data["channel"].replace("_", " ").title()
        self._add_activity("Task", event, task_id(event.subject), values)

    def _task(self, event: Event, status: str) -> Row:
        happened_at = event.data.get("happened_at")
        awkward = number_of(f"text:{event.subject}", 40)
        is_automated = bool(event.data.get("automated"))
        return {
            "Status": status, "Priority": "Normal", "IsClosed": dict(TASK_STATUSES)[status],
            # Whoever is named as its sender, nobody wrote an automated one.
            "OwnerId": AUTOMATED_ID if is_automated else self._user(event.data.get("rep")),
            "ActivityDate": self._local_date(happened_at or event.data["due_at"]),
            "CompletedDateTime": event.at.replace(microsecond=0) if dict(TASK_STATUSES)[status] else None,
            "Happened_At__c": happened_at.replace(microsecond=0) if happened_at else None,
            "Description": AWKWARD_TEXTS[awkward] if awkward < len(AWKWARD_TEXTS) else None,
        }  # fmt: skip

    def _meeting_booked(self, event: Event) -> None:
        starts_at, ends_at = (event.data[name].replace(microsecond=0) for name in ("starts_at", "ends_at"))
        self._add_activity("Event", event, event_id(event.subject), {
            "Subject": "Meeting", "OwnerId": self._user(event.data.get("rep")), "StartDateTime": starts_at,
            "EndDateTime": ends_at, "ActivityDateTime": starts_at, "ActivityDate": self._local_date(starts_at),
            "DurationInMinutes": int((ends_at - starts_at).total_seconds() // 60), "ShowAs": "Busy",
            "Outcome__c": "Scheduled",
        })  # fmt: skip

    def _meeting_outcome(self, event: Event) -> None:
        activity = self._activities.get(event.subject)
        if activity is not None:
            shown = event.data["outcome"].replace("_", " ").title()
            self._change(activity.entity, event, {"Outcome__c": shown})

    def _join(self, activity: Activity, contact_key: str) -> None:
        person = self._person(contact_key)
        if person is not None and person not in activity.people:
            activity.people.append(person)
            person.activities.append(activity)

    def _links(self, activity: Activity) -> Row:
        """Whom and what an activity is about: the first person left, and the first opportunity."""
        person = next((one for one in activity.people if not one.is_gone), None)
        return {
            "WhoId": person.record.record_id if person else None,
            "WhatId": opportunity_id(activity.deals[0]) if activity.deals else None,
            "AccountId": person.account.record_id if person and person.account else None,
        }

    def _show_links(self, activity: Activity, event: Event, *, is_system: bool = True) -> None:
        self._change(activity.entity, event, self._links(activity), is_system=is_system)

    # --- associations

    def _association_added(self, event: Event) -> None:
        self._associate(event, is_added=True)

    def _association_removed(self, event: Event) -> None:
        self._associate(event, is_added=False)

    def _associate(self, event: Event, *, is_added: bool) -> None:
        ends = {event.data["from_type"]: event.subject, event.data["to_type"]: event.data["to_id"]}
        if ends.keys() == {"contacts", "deals"}:
            change = self._attach if is_added else self._detach
            change(ends["deals"], ends["contacts"], event)
            return
        key = next((ends[kind] for kind in ACTIVITIES if kind in ends), "")
        activity = self._activities.get(key)
        if activity is None:
            return
        if "contacts" in ends:
            person = self._person(ends["contacts"])
            if is_added:
                self._join(activity, ends["contacts"])
            elif person is not None and person in activity.people:
                activity.people.remove(person)
                person.activities.remove(activity)
        elif is_added and ends["deals"] not in activity.deals:
            activity.deals.append(ends["deals"])
        elif not is_added and ends["deals"] in activity.deals:
            activity.deals.remove(ends["deals"])
        self._show_links(activity, event, is_system=False)

    def _local_date(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()


def _status_label(status: str | None) -> str:
    return STATUS_LABELS.get(status) or str(status).replace("_", " ").title()


def _lifecycle_order(stage: str) -> int:
    return LIFECYCLE_ORDER.index(stage) if stage in LIFECYCLE_ORDER else 0


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _expected(amount: float | None, probability: float) -> float | None:
    return None if amount is None else round(amount * probability / 100, 2)


def _forecast(stage_id: str) -> Row:
    stage = STAGE_BY_ID[stage_id]
    name = "Closed" if stage.is_won else "Omitted" if stage.is_closed else "Pipeline"
    return {"ForecastCategory": name, "ForecastCategoryName": name}


def _stage_values(stage_id: str, amount: float | None) -> Row:
    stage = STAGE_BY_ID[stage_id]
    probability = round(float(stage.probability) * 100, 2)
    return {
        "StageName": stage.label, "Probability": probability, "ExpectedRevenue": _expected(amount, probability),
        "IsClosed": stage.is_closed, "IsWon": stage.is_won, **_forecast(stage_id),
    }  # fmt: skip
