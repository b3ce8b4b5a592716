"""The company's log as an Odoo database holds it: rows by model, with the traces each write left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from leadrole.sandbox.log import Event, History
from leadrole.sandbox.odoo.catalog import (
    ACTIVITIES,
    ACTIVITY_TYPES,
    ADMIN,
    BOT,
    CALL,
    CALL_IN,
    CALL_IN_MISSED,
    CALL_IS_TALK_MS,
    CALL_TYPES,
    CONNECTED,
    CREATED,
    CURRENCIES,
    DISCUSSION,
    IMPORT,
    LEAD_LOST,
    LEAD_WON,
    MEETING,
    MESSAGE_KINDS,
    NEW,
    NOTE,
    NOTE_LIMIT,
    PROBABILITIES,
    QUALIFIED,
    QUALIFIED_LIFECYCLES,
    RATES,
    RESTORED,
    SOURCES,
    STAGE_CHANGED,
    STATUS_REASONS,
    STATUS_STAGES,
    SUBTYPES,
    TAGS,
    TEAM,
    TO_DO,
    TRACKED,
    WEBSITE,
    WON,
    Settings,
    activity_id,
    contact_partner_id,
    event_id,
    form_lead_id,
    lead_id,
    message_id,
    opportunity_id,
    stage_id,
    user_id,
)
from leadrole.sandbox.odoo.database import Database, Row
from leadrole.sandbox.odoo.transactions import transactions


@dataclass(slots=True, eq=False)
class Person:
    """A contact of the log: what is told of it on every row, and its rows in order of making."""

    contact: str
    name: str
    email: str
    company: str
    source: int
    rows: list[int] = field(default_factory=list)
    partner: int | None = None


class World(Database):
    """Every row the database shows at an instant."""

    def __init__(self, history: History, at: datetime, settings: Settings) -> None:
        super().__init__(history, at, settings)
        self.opportunities: dict[str, int] = {}
        self._persons: dict[str, Person] = {}
        self._alias: dict[str, str] = {}
        self._thread: dict[int, list[int]] = {}
        self._archived: dict[str, list[int]] = {}
        self._unqualified: dict[int, int] = {}  # the stage a qualified lead falls back to
        self._place = self._number = self._value = 0
        self._clock = at
        for moment in transactions(history, settings):
            if moment.started > at:
                break
            if moment.visible > at:
                continue
            handle = getattr(self, f"_{moment.event.kind}", None)
            if handle is None:  # other CRMs have kinds of events of their own
                continue
            self._place, self._number, self._value = moment.place, 0, 0
            self._stamp, self._clock = moment.stamp, moment.event.at.replace(microsecond=0)
            handle(moment.event)

    def _uid(self, owner: str | None) -> int:
        return int(user_id(owner)) if owner in self._users else BOT

    def _seller(self, owner: str | None) -> int | None:
        return int(user_id(owner)) if owner is not None and owner in self._users else None

    def _partner_of(self, uid: int) -> int:
        return int(self.tables["res.users"][uid]["partner_id"])

    def _person(self, contact: str | None) -> Person | None:
        while contact in self._alias:
            contact = self._alias[contact]
        return self._persons.get(contact or "")

    def _lead(self, person: Person | None) -> Row | None:
        """Give the newest row of a person that is still a lead."""
        if person is None:
            return None
        rows = (self.tables["crm.lead"][number] for number in reversed(person.rows))
        return next((row for row in rows if row["type"] == "lead"), None)

    def _current(self, person: Person | None) -> Row | None:
        """Give the row that a person's activities go on: the newest that is neither lost nor archived."""
        if person is None or not person.rows:
            return None
        rows = [self.tables["crm.lead"][number] for number in reversed(person.rows)]
        return next((row for row in rows if row["active"]), rows[0])

    def _deal(self, deal: str | None) -> Row | None:
        return self.tables["crm.lead"].get(self.opportunities.get(deal or "", 0))

    # --- crm.lead

    def _make(self, number: int, by: int, person: Person | None, *, is_tracked: bool, **values: Any) -> Row:
        stage, seller = values["stage_id"], values["user_id"]
        row = self._add(
            "crm.lead",
            number,
            by,
            active=True,
            priority="0",
            team_id=TEAM,
            tag_ids=values.pop("tag_ids", []),
            probability=PROBABILITIES[stage],
            automated_probability=PROBABILITIES[stage],
            company_currency=CURRENCIES["EUR"][0],
            date_open=self._stamp if seller else None,
            date_last_stage_update=self._stamp,
            day_open=0.0,
            day_close=0.0,
            **values,
        )
        if person is not None:
            row.update(self._told(person))
            person.rows.append(number)
        if self.settings.version >= 19:
            row["won_status"] = "won" if stage == WON else "pending"
        if stage == WON:
            row["date_closed"] = self._clock
        self._thread[number] = []
        if is_tracked and self._is_tracking:
            if seller and seller != by:
                self._assigned(row, by)
            self._post(row, by, CREATED)
        return row

    def _told(self, person: Person) -> Row:
        return {
            "partner_id": person.partner,
            "contact_name": person.name,
            "partner_name": person.company,
            "email_from": person.email,
            "email_normalized": person.email.lower(),
        }

    @property
    def _is_tracking(self) -> bool:
        since = self.settings.tracked_since
        return since is None or self._stamp >= since

    def _write(self, row: Row, by: int, **values: Any) -> None:
        """Write on a lead as `crm.lead.write` does, with what it tracks."""
        values = {name: value for name, value in values.items() if row[name] != value}
        if not values:
            return
        changes = dict(values)
        is_stage_new = "stage_id" in values
        is_won = values.get("stage_id") == WON
        if is_stage_new:
            changes["date_last_stage_update"] = self._stamp
        if is_won:
            changes |= {"active": True, "probability": 100.0, "automated_probability": 100.0}
        if "user_id" in values:
            changes["date_open"] = self._stamp if values["user_id"] else None
        if changes.get("probability", 0) >= 100 or not changes.get("active", True):
            changes["date_closed"] = self._clock
        elif changes.get("probability", 0) > 0 or (is_stage_new and "probability" not in changes):
            changes["date_closed"] = None
        if is_stage_new and not is_won and "probability" not in changes:
            odds = PROBABILITIES[values["stage_id"]]
            changes |= {
                "automated_probability": odds,
                "probability": odds if row["active"] else row["probability"],
            }
        if changes.get("active") and not row["active"] and not is_won:  # back: the odds are worked out anew
            odds = PROBABILITIES[(row | changes)["stage_id"]]
            changes |= {"automated_probability": odds, "probability": odds}
        before = dict(row)
        self._touch(row, by, **changes)
        if self.settings.version >= 19:
            row["won_status"] = _won_status(row)
        row["day_open"] = _days(row["create_date"], row["date_open"])
        row["day_close"] = _days(row["create_date"], row["date_closed"])
        if not self._is_tracking:
            return
        tracked = [name for name in TRACKED[self.settings.version] if before[name] != row[name]]
        if "user_id" in tracked and row["user_id"] and row["user_id"] != by:
            self._assigned(row, by)
        if tracked:
            message = self._post(row, by, _subtype(row, tracked))
            for name in tracked:
                self._track(message, name, before[name], row[name])

    def _lose(self, row: Row, by: int, reason: str | None) -> None:
        values: Row = {"active": False, "probability": 0.0, "automated_probability": 0.0}
        if reason:
            values["lost_reason_id"] = self._reasons[reason]
        self._write(row, by, **values)

    def _bring_back(self, row: Row, by: int) -> None:
        self._write(row, by, active=True, lost_reason_id=None)

    def _unlink(self, number: int) -> None:
        """Delete a lead with everything on it; the calendar keeps its meetings."""
        self.tables["crm.lead"].pop(number)
        for message in self._thread.pop(number):
            for value in self.tables["mail.message"].pop(message)["tracking_value_ids"]:
                del self.tables["mail.tracking.value"][value]
        for key in [key for key, one in self.tables["mail.activity"].items() if one["res_id"] == number]:
            self._drop_activity(key)
        for one in self.tables["calendar.event"].values():
            if one["opportunity_id"] == number:
                self._touch(one, BOT, opportunity_id=None, res_model=None, res_id=None)
        for person in self._persons.values():
            if number in person.rows:
                person.rows.remove(number)

    # --- messages

    def _post(
        self, row: Row | None, by: int, subtype: int, *, number: int | None = None, **values: Any
    ) -> Row:
        if number is None:
            number = (self._place * NOTE_LIMIT + self._number) * 8 + 7
            self._number += 1
        is_named = subtype in (STAGE_CHANGED, LEAD_WON, LEAD_LOST, RESTORED) and self.settings.version < 19
        told: Row = {
            "date": self._clock,
            "body": "",
            "model": "crm.lead" if row else None,
            "res_id": row["id"] if row else None,
            "record_name": row["name"] if row and is_named else None,
            "author_id": self._partner_of(by),
            "email_from": self._signed(by),
            "message_type": "notification",
            "subtype_id": subtype,
            "is_internal": SUBTYPES[subtype][1],
            "partner_ids": [],
            "tracking_value_ids": [],
        }
        message = self._add("mail.message", number, by, **(told | values))
        if row is not None:
            self._thread[row["id"]].append(number)
        return message

    def _signed(self, uid: int) -> str:
        user = self.tables["res.users"][uid]
        return f'"{user["name"]}" <{user["email"]}>'

    def _assigned(self, row: Row, by: int) -> None:
        name = self.tables["res.users"][row["user_id"]]["name"]
        label = self.models["crm.lead"].label
        self._post(
            row, by, NOTE, message_type="user_notification", partner_ids=[self._partner_of(row["user_id"])],
            body=f"<span><span>Dear {name},</span>\n    <br><br>\n    <span style=\"margin-top:8px\">You have been "
            f"assigned to the {label} {row['name']}.</span>\n    <br></span>",
        )  # fmt: skip

    def _track(self, message: Row, name: str, old: Any, new: Any) -> None:
        self._value += 1
        number = self._place * NOTE_LIMIT * 4 + self._value
        described = self.models["crm.lead"].fields[name]
        value = self._add(
            "mail.tracking.value",
            number,
            message["create_uid"],
            mail_message_id=message["id"],
            field_id=self._fields["crm.lead", name],
        )
        for side, what in (("old", old), ("new", new)):
            if described.type == "many2one":
                value[f"{side}_value_integer"] = what or 0
                value[f"{side}_value_char"] = self.label(described.relation or "", what) if what else ""
            elif described.type == "selection":
                value[f"{side}_value_char"] = dict(described.selection).get(what, "")
            elif described.type == "boolean":
                value[f"{side}_value_integer"] = int(what)
            else:
                value[f"{side}_value_float"] = what or 0.0
                value["currency_id"] = CURRENCIES["EUR"][0]
        message["tracking_value_ids"].insert(0, number)

    def rows_of_contacts(self) -> dict[str, list[int]]:
        """Give the rows of every contact that was not erased, also by the ids it had before a merge."""
        known = dict.fromkeys([*self._persons, *self._alias])
        persons = {contact: self._person(contact) for contact in known}
        return {contact: list(person.rows) for contact, person in persons.items() if person is not None}

    # --- contacts

    def _contact_created(self, event: Event) -> None:
        data, contact = event.data, event.subject
        name = f"{data['first_name']} {data['last_name']}"
        company = data["email"].partition("@")[2].partition(".")[0].capitalize()
        person = Person(contact, name, data["email"], company, SOURCES.get(data["source"], (7, ""))[0])
        self._persons[contact] = person
        origin = data["origin"]
        medium = {"form": WEBSITE, "import": IMPORT}.get(origin)
        is_tracked = origin != "import" or self.settings.tracks_imports
        row = self._make(
            int(lead_id(contact)),
            self._uid(event.by),
            person,
            is_tracked=is_tracked,
            name=f"Aanvraag {name}",
            type="lead",
            stage_id=STATUS_STAGES.get(data["status"] or "NEW", NEW),
            user_id=self._seller(data["owner"]),
            source_id=person.source,
            medium_id=medium,
        )
        if data["status"] in STATUS_REASONS:
            self._lose(row, self._uid(event.by), STATUS_REASONS[data["status"]])

    def _form_submitted(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        self._make(
            int(form_lead_id(self._place)),
            BOT,
            person,
            is_tracked=True,
            name=f"Aanvraag {person.name}",
            type="lead",
            stage_id=NEW,
            user_id=None,
            source_id=person.source,
            medium_id=WEBSITE,
        )

    def _owner_assigned(self, event: Event) -> None:
        row = self._lead(self._person(event.subject))
        if row is not None:
            self._write(row, self._uid(event.by), user_id=self._seller(event.data["owner"]))

    def _lifecycle_changed(self, event: Event) -> None:
        row, stage = self._lead(self._person(event.subject)), event.data["stage"]
        if row is None:
            return
        if stage in QUALIFIED_LIFECYCLES:
            if row["stage_id"] != QUALIFIED:
                self._unqualified[row["id"]] = row["stage_id"]
            self._write(row, self._uid(event.by), stage_id=QUALIFIED)
        elif row["stage_id"] == QUALIFIED:
            self._write(row, self._uid(event.by), stage_id=self._unqualified.get(row["id"], CONNECTED))

    def _lead_status_changed(self, event: Event) -> None:
        row, status = self._lead(self._person(event.subject)), event.data["status"]
        if row is None:
            return
        by = self._uid(event.by)
        if status in STATUS_REASONS:
            self._lose(row, by, STATUS_REASONS[status])
            return
        if row["lost_reason_id"] is not None:
            self._bring_back(row, by)
        stage = STATUS_STAGES.get(status, NEW)
        if row["stage_id"] == QUALIFIED:
            self._unqualified[row["id"]] = stage
        else:
            self._write(row, by, stage_id=stage)

    def _contact_archived(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        rows = [self.tables["crm.lead"][number] for number in person.rows]
        kept = [row for row in rows if row["type"] == "lead" and row["active"]]
        for row in kept:
            self._write(row, self._uid(event.by), active=False)
        self._archived[person.contact] = [row["id"] for row in kept]

    def _contact_restored(self, event: Event) -> None:
        person = self._person(event.subject)
        for number in self._archived.pop(person.contact, []) if person else []:
            row = self.tables["crm.lead"].get(number)
            if row is not None:
                self._write(row, self._uid(event.by), active=True)

    def _contact_gdpr_deleted(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        by = self._uid(event.by)
        for number in list(person.rows):
            row = self.tables["crm.lead"][number]
            if row["type"] == "lead":
                self._unlink(number)
            else:
                self._write(
                    row, by, partner_id=None, contact_name=None, email_from=None, email_normalized=None
                )
        if person.partner is not None:  # messages name it as their author, so it can't go
            self._touch(
                self.tables["res.partner"][person.partner], by,
                name="Verwijderd", complete_name="Verwijderd", email=None, email_normalized=None,
                commercial_company_name=None, active=False,
            )  # fmt: skip
        del self._persons[person.contact]

    def _contacts_merged(self, event: Event) -> None:
        persons = [one for one in map(self._person, event.data["merged"]) if one is not None]
        persons = list(dict.fromkeys(persons))
        by = self._uid(event.by)
        found = [(person, row) for person in persons if (row := self._current(person)) is not None]
        found.sort(key=lambda one: self._confidence(one[1]), reverse=True)
        head_person = found[0][0] if found else persons[0]
        for person in persons:
            self._alias[person.contact] = event.subject
        self._alias.pop(event.subject, None)
        merged = Person(
            event.subject, head_person.name, head_person.email, head_person.company, head_person.source
        )
        merged.partner = head_person.partner
        merged.rows = sorted(
            (number for person in persons for number in person.rows),
            key=lambda number: (self.tables["crm.lead"][number]["create_date"], number),
        )
        for person in persons:
            del self._persons[person.contact]
        self._persons[event.subject] = merged
        for _, row in found[1:]:
            if row["type"] == "lead":
                self._swallow(found[0][1], row, by)
        for number in merged.rows:
            self._write(self.tables["crm.lead"][number], by, **self._told(merged))

    def _confidence(self, row: Row) -> tuple[Any, ...]:
        is_opportunity = row["type"] == "opportunity"
        sequence = self.tables["crm.stage"][row["stage_id"]]["sequence"]
        return is_opportunity or row["active"], is_opportunity, sequence, row["probability"], -row["id"]

    def _swallow(self, head: Row, loser: Row, by: int) -> None:
        wanted = {
            name: loser[name]
            for name in ("user_id", "source_id", "medium_id")
            if head[name] is None and loser[name] is not None
        }
        for number in self._thread[loser["id"]]:
            message = self.tables["mail.message"][number]
            subject = f"From {loser['name']}"
            if message["subject"]:
                subject += f" : {message['subject']}"
            self._touch(message, by, res_id=head["id"], subject=subject)
        self._thread[head["id"]] += self._thread[loser["id"]]
        self._thread[loser["id"]] = []
        for one in self.tables["mail.activity"].values():
            if one["res_id"] == loser["id"]:
                self._touch(one, by, res_id=head["id"], res_name=head["name"])
        for one in self.tables["calendar.event"].values():
            if one["opportunity_id"] == loser["id"]:
                self._touch(one, by, opportunity_id=head["id"], res_id=head["id"])
        self._write(head, by, **wanted)
        self._unlink(loser["id"])

    # --- deals

    def _deal_created(self, event: Event) -> None:
        data, by = event.data, self._uid(event.by)
        persons = [one for one in map(self._person, data["contacts"]) if one is not None]
        person = persons[0] if persons else None
        seller = self._seller(data["owner"])
        stage = int(stage_id(data["stage"])) if data["stage"] != "closedlost" else NEW
        values: Row = {
            "name": data["name"],
            "tag_ids": [TAGS[data["deal_type"]][0]] if data["deal_type"] in TAGS else [],
            "date_deadline": self._day(data["close_date"]),
        }
        lead = self._lead(person)
        if person is not None and person.partner is None:
            number = int(contact_partner_id(person.contact))
            person.partner = self._partner(number, person.name, person.email, person.company, by=by)
        if person is not None and lead is not None and lead["active"]:
            self._write(
                lead, by, type="opportunity", date_conversion=self._clock, partner_id=person.partner, **values
            )
            self._write(lead, by, user_id=seller)
            self._write(lead, by, stage_id=stage)
            self._write(lead, by, expected_revenue=_euros(data["amount"], data["currency"]))
            row = lead
        else:
            row = self._make(
                int(opportunity_id(event.subject)),
                by,
                person,
                is_tracked=True,
                type="opportunity",
                stage_id=stage,
                user_id=seller,
                source_id=person.source if person else None,
                expected_revenue=_euros(data["amount"], data["currency"]),
                date_conversion=self._clock,
                **values,
            )
        self.opportunities[event.subject] = row["id"]
        if data["stage"] == "closedlost":
            self._lose(row, by, None)

    def _deal_stage_changed(self, event: Event) -> None:
        row, by = self._deal(event.subject), self._uid(event.by)
        if row is None:
            return
        if event.data["stage"] == "closedlost":
            self._lose(row, by, event.data.get("reason"))
            return
        if not row["active"]:
            self._bring_back(row, by)
        self._write(row, by, stage_id=int(stage_id(event.data["stage"])))

    def _deal_amount_changed(self, event: Event) -> None:
        row = self._deal(event.subject)
        if row is not None:
            self._write(row, self._uid(event.by), expected_revenue=_euros(event.data["amount"], "EUR"))

    def _deal_close_date_moved(self, event: Event) -> None:
        row = self._deal(event.subject)
        if row is not None:
            self._write(row, self._uid(event.by), date_deadline=self._day(event.data["close_date"]))

    def _deal_owner_changed(self, event: Event) -> None:
        row = self._deal(event.subject)
        if row is not None:
            self._write(row, self._uid(event.by), user_id=self._seller(event.data["owner"]))

    def _deal_archived(self, event: Event) -> None:
        row = self._deal(event.subject)
        if row is None:
            return
        if event.data.get("how") == "deleted":
            self._unlink(row["id"])
        else:
            self._write(row, self._uid(event.by), active=False)

    def _deal_restored(self, event: Event) -> None:
        row = self._deal(event.subject)
        if row is not None and row["lost_reason_id"] is None:
            self._write(row, self._uid(event.by), active=True)

    def _day(self, instant: datetime | None) -> date | None:
        return instant.astimezone(self._zone).date() if instant else None

    # --- activities

    def _on(self, event: Event) -> Row | None:
        """Give the row an activity is on: that of its deal, or the newest of its contact."""
        return self._deal(event.data.get("deal")) or self._current(self._person(event.data.get("contact")))

    def _call_logged(self, event: Event) -> None:
        data = event.data
        if data.get("status", "COMPLETED") != "COMPLETED":
            return  # called off: the activity is unlinked and no message says so
        outcome, is_out = data["outcome"], data["direction"] == "out"
        is_talk = outcome == "connected" if outcome else int(data["duration"] or 0) >= CALL_IS_TALK_MS
        if is_out:
            kind = CALL if is_talk else CALL_TYPES.get(outcome or "", CALL_TYPES["no_answer"])
        else:
            kind = CALL_IN if is_talk else CALL_IN_MISSED
        seconds = int(data["duration"] or 0) // 1000
        self._done(
            event, "calls", kind, data["rep"], f"{seconds // 60}:{seconds % 60:02d}", data["happened_at"]
        )

    def _done(
        self, event: Event, kind: str, activity_type: int, rep: str | None, feedback: str, at: datetime
    ) -> None:
        name, _, icon = ACTIVITY_TYPES[activity_type]
        self._post(
            self._on(event), self._uid(rep), ACTIVITIES,
            number=int(message_id(kind, event.subject)),
            date=at.replace(microsecond=0),
            mail_activity_type_id=activity_type,
            body=f'\n    <p>\n        <span class="fa {icon} fa-fw"></span><span>{name}</span> done\n    </p>\n'
            f"    <div>\n            {feedback}\n    </div>\n",
        )  # fmt: skip

    def _email_logged(self, event: Event) -> None:
        data, row = event.data, self._on(event)
        number = int(message_id("emails", event.subject))
        at = data["happened_at"].replace(microsecond=0)
        rep = self._seller(data["rep"])
        person = self._person(data["contact"])
        customer = person.partner if person else None
        if data["automated"]:
            self._post(row, BOT, NOTE, number=number, date=at, message_type="auto_comment",
                       partner_ids=[customer] if customer else [], body="<p>Bedankt voor uw aanvraag</p>")  # fmt: skip
        elif data["direction"] == "out":
            self._post(row, rep or BOT, DISCUSSION, number=number, date=at, message_type="comment",
                       partner_ids=[customer] if customer else [], body="<p>E-mail</p>")  # fmt: skip
        else:
            sender = f'"{person.name}" <{person.email}>' if person else None
            self._post(row, BOT, DISCUSSION, number=number, date=at, message_type="email", author_id=customer,
                       email_from=sender, partner_ids=[self._partner_of(rep)] if rep else [],
                       body="<p>E-mail</p>")  # fmt: skip

    def _communication_logged(self, event: Event) -> None:
        data = event.data
        kind = {"SMS": "sms", "WHATS_APP": "whatsapp_message"}.get(data["channel"], "comment")
        self._post(
            self._on(event), self._uid(data["rep"]), NOTE if kind == "comment" else DISCUSSION,
            number=int(message_id("communications", event.subject)),
            date=data["happened_at"].replace(microsecond=0), message_type=kind, body="<p>Bericht</p>",
        )  # fmt: skip

    def _note_logged(self, event: Event) -> None:
        data = event.data
        self._post(
            self._on(event), self._uid(data["rep"]), NOTE, number=int(message_id("notes", event.subject)),
            message_type="comment", body=f"<p>{data['text']}</p>",
        )  # fmt: skip

    def _meeting_booked(self, event: Event) -> None:
        data, row, by = event.data, self._on(event), self._uid(event.by)
        number = int(event_id(event.subject))
        planned = int(activity_id("meetings", event.subject))
        start, stop = data["starts_at"].replace(microsecond=0), data["ends_at"].replace(microsecond=0)
        person, seller = self._person(data["contact"]), self._seller(data["rep"])
        attendees = [self._partner_of(seller)] if seller else []
        if person and person.partner:
            attendees.append(person.partner)
        self._add(
            "calendar.event", number, by,
            name="Afspraak", active=True, start=start, stop=stop, allday=False,
            duration=(stop - start).total_seconds() / 3600,
            user_id=seller, partner_id=self._partner_of(by), partner_ids=attendees, activity_ids=[planned],
            opportunity_id=row["id"] if row else None, res_model="crm.lead" if row else None,
            res_id=row["id"] if row else None,
        )  # fmt: skip
        self._plan(planned, row, by, MEETING, "Afspraak", start, seller, event_number=number)

    def _plan(
        self,
        number: int,
        row: Row | None,
        by: int,
        activity_type: int,
        summary: str,
        due: datetime,
        seller: int | None,
        *,
        event_number: int | None = None,
    ) -> None:
        newer = {"active": True} if self.settings.version >= 19 else {}
        self._add(
            "mail.activity", number, by,
            res_model="crm.lead" if row else None, res_id=row["id"] if row else None,
            res_name=row["name"] if row else None, activity_type_id=activity_type, summary=summary,
            date_deadline=self._day(due), automated=by == BOT, user_id=seller or by,
            calendar_event_id=event_number, **newer,
        )  # fmt: skip

    def _drop_activity(self, number: int) -> None:
        one = self.tables["mail.activity"].pop(number, None)
        event = self.tables["calendar.event"].get(one["calendar_event_id"] or 0) if one else None
        if event is not None:
            event["activity_ids"] = []

    def _finish(self, number: int, by: int, feedback: str) -> Row | None:
        """Mark an activity done: 17 deletes it, 19 archives it; give it as it was."""
        one = self.tables["mail.activity"].get(number)
        if one is None:
            return None
        if self.settings.version >= 19:
            self._touch(one, by, active=False, date_done=self._day(self._clock), feedback=feedback)
        else:
            self._drop_activity(number)
        return one

    def _meeting_outcome(self, event: Event) -> None:
        number, by = int(event_id(event.subject)), self._uid(event.by)
        meeting = self.tables["calendar.event"].get(number)
        if meeting is None:
            return
        planned, outcome = int(activity_id("meetings", event.subject)), event.data["outcome"]
        if outcome == "COMPLETED":
            one = self._finish(planned, by, "Gehouden")
            self._touch(meeting, by, description="<p>Feedback: Gehouden</p>")
            row = self.tables["crm.lead"].get(one["res_id"] or 0) if one else None
            self._post(row, by, ACTIVITIES, number=int(message_id("meetings", event.subject)),
                       mail_activity_type_id=MEETING, body=_done_body(MEETING, "Afspraak", "Gehouden"))  # fmt: skip
        elif outcome == "NO_SHOW":
            self._drop_activity(planned)
            self._touch(meeting, by, active=False, description="<p>Feedback: Niet verschenen</p>")
        else:
            self._drop_activity(planned)
            del self.tables["calendar.event"][number]

    def _task_logged(self, event: Event) -> None:
        data = event.data
        self._plan(
            int(activity_id("tasks", event.subject)), self._on(event), self._uid(event.by), TO_DO, data["title"],
            data["due_at"], self._seller(data["rep"]),
        )  # fmt: skip

    def _task_completed(self, event: Event) -> None:
        by = self._uid(event.by)
        one = self._finish(int(activity_id("tasks", event.subject)), by, "")
        if one is None:
            return
        row = self.tables["crm.lead"].get(one["res_id"] or 0)
        self._post(row, by, ACTIVITIES, number=int(message_id("tasks", event.subject)),
                   mail_activity_type_id=TO_DO, body=_done_body(TO_DO, one["summary"], ""))  # fmt: skip

    # --- the rest

    def _owner_deactivated(self, event: Event) -> None:
        user = self.tables["res.users"].get(self._seller(event.subject) or 0)
        if user is not None:
            self._touch(user, ADMIN, active=False)

    def _association_added(self, event: Event) -> None:
        data = event.data
        person = self._person(data["to_id"]) if data["to_type"] == "contacts" else None
        if data["from_type"] == "deals":
            row = self._deal(event.subject)
            if row is not None and person is not None and not row["email_from"]:
                self._write(row, BOT, **self._told(person))
                person.rows.append(row["id"])
            return
        row = self._deal(data["to_id"]) if data["to_type"] == "deals" else self._current(person)
        if row is not None:
            self._move(data["from_type"], event.subject, row)

    def _association_removed(self, event: Event) -> None:
        data = event.data
        if data["from_type"] == "deals" and data["to_type"] == "contacts":
            row, person = self._deal(event.subject), self._person(data["to_id"])
            if row is not None and person is not None and row["id"] in person.rows:
                person.rows.remove(row["id"])
                self._write(row, BOT, **dict.fromkeys(self._told(person)))
        elif data["from_type"] != "deals":
            self._move(data["from_type"], event.subject, None)

    def _move(self, kind: str, activity: str, row: Row | None) -> None:
        """Put what an activity left behind on another row, or on none."""
        number = row["id"] if row else None
        model = "crm.lead" if row else None
        message = (
            self.tables["mail.message"].get(int(message_id(kind, activity)))
            if kind in MESSAGE_KINDS
            else None
        )
        if message is not None:
            if message["res_id"] in self._thread:
                self._thread[message["res_id"]].remove(message["id"])
            if number is not None:
                self._thread[number].append(message["id"])
            self._touch(message, BOT, model=model, res_id=number)
        if kind in ("meetings", "tasks"):
            planned = self.tables["mail.activity"].get(int(activity_id(kind, activity)))
            if planned is not None:
                self._touch(
                    planned, BOT, res_model=model, res_id=number, res_name=row["name"] if row else None
                )
        meeting = self.tables["calendar.event"].get(int(event_id(activity))) if kind == "meetings" else None
        if meeting is not None:
            self._touch(meeting, BOT, opportunity_id=number, res_model=model, res_id=number)


def _subtype(row: Row, tracked: list[str]) -> int:
    if "stage_id" in tracked:
        return LEAD_WON if row["probability"] == 100 else STAGE_CHANGED
    if "lost_reason_id" in tracked and row["lost_reason_id"]:
        return LEAD_LOST
    if "active" in tracked:
        return RESTORED if row["active"] else LEAD_LOST
    return NOTE


def _won_status(row: Row) -> str:
    if row["stage_id"] == WON and row["probability"] == 100:
        return "won"
    return "lost" if not row["active"] and row["probability"] == 0 else "pending"


def _days(start: datetime, end: datetime | None) -> float:
    return float(abs((end - start).days)) if end else 0.0


def _euros(amount: str | None, currency: str) -> float | None:
    return round(float(amount) / RATES.get(currency, 1.0), 2) if amount is not None else None


def _done_body(activity_type: int, summary: str, feedback: str) -> str:
    name, _, icon = ACTIVITY_TYPES[activity_type]
    body = (
        f'\n    <p>\n        <span class="fa {icon} fa-fw"></span><span>{name}</span> done\n'
        f"        <span>: </span><span>{summary}</span>\n    </p>\n"
    )
    return body + (f"    <div>\n            {feedback}\n    </div>\n" if feedback else "")
