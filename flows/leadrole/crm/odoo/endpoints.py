"""Odoo as tables: models, the part of each that is ours, fields. Read on Odoo 17 and 19, November 2026."""

from __future__ import annotations

from leadrole.crm.spec import Endpoint

# Odoo's own word for a condition: a list of [field, operator, value], joined by "and".
Domain = list[list[object]]

STAGES = Endpoint(
    name="stages",
    type="crm.stage",
    fields=("name", "sequence", "is_won", "fold", "team_id", "team_ids"),
    may_lack=frozenset({"team_id", "team_ids"}),  # one team until Odoo 18, several from 19
    is_reference=True,
)

USERS = Endpoint(
    name="users",
    type="res.users",
    fields=("name", "active", "partner_id"),
    is_reference=True,
)

TEAMS = Endpoint(
    name="teams",
    type="crm.team",
    fields=("name", "active", "use_leads"),
    is_reference=True,
)

LOST_REASONS = Endpoint(
    name="lost_reasons",
    type="crm.lost.reason",
    fields=("name", "active"),
    is_reference=True,
)

ACTIVITY_TYPES = Endpoint(
    name="activity_types",
    type="mail.activity.type",
    fields=("name", "category", "icon", "active"),
    is_reference=True,
)

CURRENCIES = Endpoint(
    name="currencies",
    type="res.currency",
    fields=("name", "active"),
    is_reference=True,
)

LEAD_SOURCES = Endpoint(
    name="lead_sources",
    type="utm.source",
    fields=("name",),
    is_reference=True,
)

LEAD_MEDIUMS = Endpoint(
    name="lead_mediums",
    type="utm.medium",
    fields=("name",),
    is_reference=True,
)

TAGS = Endpoint(
    name="tags",
    type="crm.tag",
    fields=("name",),
    is_reference=True,
)

# A tracking value names its field by id; a field's label is in the language of whoever asks.
TRACKED_FIELDS = Endpoint(
    name="tracked_fields",
    type="ir.model.fields",
    fields=("name",),
    is_reference=True,
    is_optional=True,
)

LEADS = Endpoint(
    name="leads",
    type="crm.lead",
    fields=(
        "type",
        "active",
        "stage_id",
        "team_id",
        "user_id",
        "partner_id",
        "probability",
        "expected_revenue",
        "company_currency",
        "lost_reason_id",
        "source_id",
        "medium_id",
        "tag_ids",
        "email_key",
        "email_domain_key",
        "date_closed",
        "date_conversion",
        "date_last_stage_update",
        "create_date",
        "write_date",
    ),
    cursor="write_date",
)

MESSAGES = Endpoint(
    name="messages",
    type="mail.message",
    fields=(
        "res_id",
        "date",
        "message_type",
        "author_id",
        "mail_activity_type_id",
        "is_internal",
        "create_date",
        "write_date",
    ),
    cursor="write_date",
)

# Without the texts, which are names of salespeople and labels in any language: the ids say the same.
TRACKING_VALUES = Endpoint(
    name="tracking_values",
    type="mail.tracking.value",
    fields=(
        "field_id",
        "mail_message_id",
        "old_value_integer",
        "new_value_integer",
        "create_date",
        "write_date",
    ),
    cursor="write_date",
    is_optional=True,  # an administrator's key only
)

MEETINGS = Endpoint(
    name="meetings",
    type="calendar.event",
    fields=(
        "opportunity_id",
        "user_id",
        "active",
        "start",
        "stop",
        "create_date",
        "write_date",
    ),
    cursor="write_date",
)

ACTIVITIES = Endpoint(
    name="activities",
    type="mail.activity",
    fields=(
        "res_id",
        "activity_type_id",
        "user_id",
        "calendar_event_id",
        "active",
        "date_done",
        "create_date",
        "write_date",
    ),
    cursor="write_date",
    may_lack=frozenset({"active", "date_done", "calendar_event_id"}),  # Odoo 17 deletes a done activity
)

# References first, of them one that every account has; leads before what hangs on them.
ENDPOINTS = (
    STAGES,
    USERS,
    TEAMS,
    LOST_REASONS,
    ACTIVITY_TYPES,
    CURRENCIES,
    LEAD_SOURCES,
    LEAD_MEDIUMS,
    TAGS,
    TRACKED_FIELDS,
    LEADS,
    MESSAGES,
    TRACKING_VALUES,
    MEETINGS,
    ACTIVITIES,
)

# What of a model is ours. Customers with a login to the portal are users too (share).
DOMAINS: dict[str, Domain] = {
    "users": [["share", "=", False]],
    "tracked_fields": [
        ["model", "=", "crm.lead"],
        ["name", "in", ["stage_id", "user_id", "type", "active", "won_status", "lost_reason_id"]],
    ],
    "messages": [["model", "=", "crm.lead"]],
    "meetings": [["opportunity_id", "!=", False]],
    "activities": [["res_model", "=", "crm.lead"]],
}

# Addresses, of which only keyed hashes are kept, of the whole and of its domain: every form makes a lead, and only
# the address says whose it is.
HASHED = {"email_key": "email_normalized", "email_domain_key": "email_normalized"}

# Where false is a value; anywhere else it means that there is none.
BOOLEANS = frozenset({"active", "is_won", "fold", "use_leads", "is_internal"})

# Else archived and lost records are left out of every answer.
CONTEXT = {"active_test": False}
