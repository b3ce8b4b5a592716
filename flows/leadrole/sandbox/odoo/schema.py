"""The models and fields this Odoo has, as its `fields_get` tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

EMPTY_NUMBERS: Mapping[str, int | float] = {
    "integer": 0,
    "many2one_reference": 0,
    "float": 0.0,
    "monetary": 0.0,
}
MANY = ("one2many", "many2many")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model: what it holds, and what `fields_get` says of it."""

    name: str
    type: str
    string: str
    relation: str | None = None
    selection: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    is_readonly: bool = False
    is_stored: bool = True
    admin_only: bool = False

    def described(self) -> dict[str, Any]:
        """Give the field's description, as far as a reader has use for it."""
        said: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "string": self.string,
            "readonly": self.is_readonly,
            "required": self.is_required,
            "store": self.is_stored,
            "searchable": self.is_stored,
            "sortable": self.is_stored,
        }
        if self.relation:
            said["relation"] = self.relation
        if self.type == "selection":
            said["selection"] = [list(option) for option in self.selection]
        return said


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its fields, how its rows are called and how they come when nobody says how."""

    name: str
    label: str
    fields: Mapping[str, Field]
    order: str = "id"
    rec_name: str = "name"
    admin_only: bool = False

    @property
    def has_active(self) -> bool:
        """Whether a search without a word about it leaves archived rows out."""
        return "active" in self.fields


def _f(name: str, kind: str, string: str, relation: str | None = None, **more: Any) -> Field:
    return Field(name, kind, string, relation, **more)


def _many(name: str, string: str, relation: str, kind: str = "many2many", **more: Any) -> Field:
    return Field(name, kind, string, relation, **more)


def _own(model: str, label: str, *fields: Field, **more: Any) -> Model:
    log = (
        _f("create_uid", "many2one", "Created by", "res.users", is_readonly=True),
        _f("create_date", "datetime", "Created on", is_readonly=True),
        _f("write_uid", "many2one", "Last Updated by", "res.users", is_readonly=True),
        _f("write_date", "datetime", "Last Updated on", is_readonly=True),
    )
    ends = (
        _f("id", "integer", "ID", is_readonly=True),
        *fields,
        _f("display_name", "char", "Display Name", is_readonly=True, is_stored=False),
        *log,
    )
    return Model(model, label, {field.name: field for field in ends}, **more)


PRIORITIES = (("0", "Low"), ("1", "Medium"), ("2", "High"), ("3", "Very High"))
TYPES = (("lead", "Lead"), ("opportunity", "Opportunity"))
WON_STATUSES = (("won", "Won"), ("lost", "Lost"), ("pending", "Pending"))
MESSAGE_TYPES = (
    ("email", "Incoming Email"),
    ("comment", "Comment"),
    ("email_outgoing", "Outgoing Email"),
    ("notification", "System notification"),
    ("auto_comment", "Automated Targeted Notification"),
    ("user_notification", "User Specific Notification"),
    ("sms", "SMS"),
    ("whatsapp_message", "WhatsApp"),
)
STATES = (("overdue", "Overdue"), ("today", "Today"), ("planned", "Planned"), ("done", "Done"))


def _lead(version: int) -> Model:
    newer = (
        (_f("won_status", "selection", "Won/Lost", selection=WON_STATUSES, is_readonly=True),)
        if version >= 19
        else ()
    )
    return _own(
        "crm.lead",
        "Lead" if version >= 19 else "Lead/Opportunity",
        _f("name", "char", "Opportunity", is_required=True),
        _f("type", "selection", "Type", selection=TYPES, is_required=True),
        _f("active", "boolean", "Active"),
        _f("priority", "selection", "Priority", selection=PRIORITIES),
        _f("stage_id", "many2one", "Stage", "crm.stage"),
        _f("user_id", "many2one", "Salesperson", "res.users"),
        _f("team_id", "many2one", "Sales Team", "crm.team"),
        _f("partner_id", "many2one", "Customer", "res.partner"),
        _f("partner_name", "char", "Company Name"),
        _f("contact_name", "char", "Contact Name"),
        _f("email_from", "char", "Email"),
        _f("email_normalized", "char", "Normalized Email", is_readonly=True),
        _f("phone", "char", "Phone"),
        _f("source_id", "many2one", "Source", "utm.source"),
        _f("medium_id", "many2one", "Medium", "utm.medium"),
        _f("campaign_id", "many2one", "Campaign", "utm.campaign"),
        _many("tag_ids", "Tags", "crm.tag"),
        _f("lost_reason_id", "many2one", "Lost Reason", "crm.lost.reason"),
        _f("probability", "float", "Probability"),
        _f("automated_probability", "float", "Automated Probability", is_readonly=True),
        _f("expected_revenue", "monetary", "Expected Revenue"),
        _f("recurring_revenue", "monetary", "Recurring Revenues"),
        _f("company_currency", "many2one", "Currency", "res.currency", is_readonly=True),
        _f("date_deadline", "date", "Expected Closing"),
        _f("date_open", "datetime", "Assignment Date", is_readonly=True),
        _f("date_conversion", "datetime", "Conversion Date", is_readonly=True),
        _f("date_closed", "datetime", "Closed Date", is_readonly=True),
        _f("date_last_stage_update", "datetime", "Last Stage Update", is_readonly=True),
        _f("date_automation_last", "datetime", "Last Action", is_readonly=True),
        _f("day_open", "float", "Days to Assign", is_readonly=True),
        _f("day_close", "float", "Days to Close", is_readonly=True),
        *newer,
        order="priority desc, id desc",
    )


def _message(version: int) -> Model:
    return _own(
        "mail.message",
        "Message",
        _f("subject", "char", "Subject"),
        _f("date", "datetime", "Date"),
        _f("body", "html", "Contents"),
        _f("model", "char", "Related Document Model"),
        _f("res_id", "many2one_reference", "Related Document ID"),
        _f("record_name", "char", "Message Record Name", is_stored=version < 19),
        _f("author_id", "many2one", "Author", "res.partner"),
        _f("email_from", "char", "From"),
        _f("message_type", "selection", "Type", selection=MESSAGE_TYPES, is_required=True),
        _f("subtype_id", "many2one", "Subtype", "mail.message.subtype"),
        _f("mail_activity_type_id", "many2one", "Mail Activity Type", "mail.activity.type"),
        _f("is_internal", "boolean", "Employee Only"),
        _many("partner_ids", "Recipients", "res.partner"),
        _many("tracking_value_ids", "Tracking values", "mail.tracking.value", "one2many", admin_only=True),
        order="id desc",
        rec_name="record_name",
    )


def _tracking() -> Model:
    kinds = (("integer", "Integer"), ("float", "Float"), ("char", "Char"), ("text", "Text"))
    values = tuple(
        _f(f"{side}_value_{kind}", kind, f"{word} Value {label}", is_readonly=True)
        for side, word in (("old", "Old"), ("new", "New"))
        for kind, label in (*kinds, ("datetime", "DateTime"))
    )
    return _own(
        "mail.tracking.value",
        "Mail Tracking Value",
        _f("field_id", "many2one", "Field", "ir.model.fields", is_readonly=True),
        *values,
        _f("currency_id", "many2one", "Currency", "res.currency", is_readonly=True),
        _f("mail_message_id", "many2one", "Message ID", "mail.message", is_required=True),
        order="id desc",
        rec_name="field_id",
        admin_only=True,
    )


def _activity(version: int) -> Model:
    newer = (
        (
            _f("active", "boolean", "Active"),
            _f("date_done", "date", "Done Date", is_readonly=True),
            _f("feedback", "text", "Feedback"),
        )
        if version >= 19
        else ()
    )
    return _own(
        "mail.activity",
        "Activity",
        _f("res_model", "char", "Related Document Model"),
        _f("res_id", "many2one_reference", "Related Document ID"),
        _f("res_name", "char", "Document Name"),
        _f("activity_type_id", "many2one", "Activity Type", "mail.activity.type"),
        _f("summary", "char", "Summary"),
        _f("note", "html", "Note"),
        _f("date_deadline", "date", "Due Date", is_required=True),
        _f("automated", "boolean", "Automated activity", is_readonly=True),
        _f("user_id", "many2one", "Assigned to", "res.users"),
        _f("calendar_event_id", "many2one", "Calendar Meeting", "calendar.event"),
        _f("state", "selection", "State", selection=STATES, is_readonly=True, is_stored=False),
        *newer,
        order="date_deadline, id",
        rec_name="summary",
    )


def _event() -> Model:
    return _own(
        "calendar.event",
        "Calendar Event",
        _f("name", "char", "Meeting Subject", is_required=True),
        _f("active", "boolean", "Active"),
        _f("start", "datetime", "Start", is_required=True),
        _f("stop", "datetime", "Stop", is_required=True),
        _f("allday", "boolean", "All Day"),
        _f("duration", "float", "Duration"),
        _f("description", "html", "Description"),
        _f("location", "char", "Location"),
        _f("user_id", "many2one", "Organizer", "res.users"),
        _f("partner_id", "many2one", "Scheduled by", "res.partner", is_readonly=True),
        _many("partner_ids", "Attendees", "res.partner"),
        _many("activity_ids", "Activities", "mail.activity", "one2many"),
        _f("opportunity_id", "many2one", "Opportunity", "crm.lead"),
        _f("res_model", "char", "Document Model Name", is_readonly=True),
        _f("res_id", "many2one_reference", "Document ID"),
        order="start desc",
    )


def _stage(version: int) -> Model:
    team = (
        _many("team_ids", "Sales Teams", "crm.team")
        if version >= 19
        else _f("team_id", "many2one", "Sales Team", "crm.team")
    )
    return _own(
        "crm.stage",
        "CRM Stages",
        _f("name", "char", "Stage Name", is_required=True),
        _f("sequence", "integer", "Sequence"),
        _f("is_won", "boolean", "Is Won Stage?"),
        _f("fold", "boolean", "Folded in Pipeline"),
        _f("requirements", "text", "Requirements"),
        team,
        order="sequence, name, id",
    )


@cache
def schema(version: int) -> dict[str, Model]:
    """Give the models of a version, by name."""
    name = _f("name", "char", "Name", is_required=True)
    active = _f("active", "boolean", "Active")
    sequence = _f("sequence", "integer", "Sequence")
    models = (
        _lead(version),
        _stage(version),
        _own(
            "crm.team",
            "Sales Team",
            _f("name", "char", "Sales Team", is_required=True),
            sequence,
            active,
            _f("user_id", "many2one", "Team Leader", "res.users"),
            _many("member_ids", "Salespersons", "res.users"),
            _f("use_leads", "boolean", "Leads"),
            _f("use_opportunities", "boolean", "Pipeline"),
            order="sequence, id desc",
        ),
        _own("crm.lost.reason", "Opp. Lost Reason", name, active),
        _own(
            "crm.tag",
            "CRM Tag",
            _f("name", "char", "Tag Name", is_required=True),
            _f("color", "integer", "Color"),
        ),
        _own(
            "res.users",
            "User",
            _f("name", "char", "Name", is_required=True),
            _f("login", "char", "Login", is_required=True),
            _f("email", "char", "Email"),
            active,
            _f("share", "boolean", "Share User", is_readonly=True),
            _f("partner_id", "many2one", "Related Partner", "res.partner", is_required=True),
            order="name, login",
        ),
        _own(
            "res.partner",
            "Contact",
            _f("name", "char", "Name"),
            _f("complete_name", "char", "Complete Name", is_readonly=True),
            active,
            _f("email", "char", "Email"),
            _f("email_normalized", "char", "Normalized Email", is_readonly=True),
            _f("phone", "char", "Phone"),
            _f("is_company", "boolean", "Is a Company"),
            _f("commercial_company_name", "char", "Company Name Entity", is_readonly=True),
            _many("user_ids", "Users", "res.users", "one2many"),
            order="complete_name, id desc",
        ),
        _message(version),
        _own(
            "mail.message.subtype",
            "Message subtypes",
            _f("name", "char", "Message Type", is_required=True),
            _f("internal", "boolean", "Internal Only"),
            _f("res_model", "char", "Model"),
            sequence,
            order="sequence, id",
        ),
        _tracking(),
        _activity(version),
        _own(
            "mail.activity.type",
            "Activity Type",
            name,
            sequence,
            active,
            _f("category", "char", "Action"),
            _f("icon", "char", "Icon"),
            _f("res_model", "char", "Model"),
            order="sequence, id",
        ),
        _event(),
        _own(
            "ir.model.fields",
            "Fields",
            _f("name", "char", "Field Name", is_required=True),
            _f("field_description", "char", "Field Label", is_required=True),
            _f("model", "char", "Model Name", is_required=True),
            _f("ttype", "char", "Field Type", is_required=True),
            _f("relation", "char", "Related Model"),
            _f("state", "char", "Type"),
            _f("store", "boolean", "Stored"),
            _f("required", "boolean", "Required"),
            _f("readonly", "boolean", "Readonly"),
            order="name, id",
            rec_name="field_description",
        ),
        _own(
            "ir.model",
            "Models",
            _f("name", "char", "Model Description"),
            _f("model", "char", "Model", is_required=True),
            order="model",
        ),
        _own(
            "ir.module.module",
            "Module",
            _f("name", "char", "Technical Name"),
            _f("latest_version", "char", "Installed Version"),
            _f("state", "char", "Status"),
            order="name",
        ),
        _own(
            "res.currency",
            "Currency",
            _f("name", "char", "Currency", is_required=True),
            _f("symbol", "char", "Symbol", is_required=True),
            _f("rate", "float", "Current Rate", is_readonly=True, is_stored=False),
            _f("rounding", "float", "Rounding Factor"),
            _f("decimal_places", "integer", "Decimal Places", is_readonly=True),
            active,
            order="active desc, name",
        ),
        _own("utm.source", "UTM Source", name),
        _own("utm.medium", "UTM Medium", name, active, order="name"),
        _own("utm.campaign", "UTM Campaign", name, active),
    )
    return {model.name: model for model in models}


# Ids that the recorded servers gave to fields of crm.lead; every other field gets a number after them.
_TOLD_IDS = {
    17: {"user_id": 3409, "active": 3416, "type": 3417, "stage_id": 3419, "lost_reason_id": 3464},
    19: {"active": 3880, "stage_id": 3883, "won_status": 3927, "lost_reason_id": 3928},
}


@cache
def field_ids(version: int) -> dict[tuple[str, str], int]:
    """Give the id in `ir.model.fields` of every field, by model and name."""
    told = _TOLD_IDS.get(version, _TOLD_IDS[19])
    ids = {("crm.lead", name): number for name, number in told.items()}
    number = 4000
    for model in schema(version).values():
        for name in model.fields:
            if (model.name, name) not in ids:
                ids[model.name, name] = number
                number += 1
    return ids
