"""What a HubSpot account has: kinds of record, their properties, scopes, association types and lead stages."""

from __future__ import annotations

import re
from dataclasses import dataclass

URL_LIMIT = 8000
LIST_LIMIT = 100
HISTORY_LIMIT = 50
SEARCH_LIMIT = 200
SEARCH_BODY_LIMIT = 3000
BATCH_LIMIT = 100
ASSOCIATION_BATCH_LIMIT = 1000
ASSOCIATION_PAGE = 500
PORTAL_ID = 26101985
TOKEN_SHAPE = re.compile(r"Bearer [A-Za-z0-9._\-]{4,200}")
VERSIONS = ("2026-03", "2026-09")

ACTIVITIES = ("calls", "emails", "meetings", "tasks", "communications", "notes")
TYPE_NAMES = {
    "contacts": ("contacts", "contact", "0-1"),
    "companies": ("companies", "company", "0-2"),
    "deals": ("deals", "deal", "0-3"),
    "leads": ("leads", "lead", "0-136"),
    "calls": ("calls", "call", "0-48"),
    "emails": ("emails", "email", "0-49"),
    "meetings": ("meetings", "meeting", "0-47"),
    "tasks": ("tasks", "task", "0-27"),
    "communications": ("communications", "communication", "0-18"),
    "notes": ("notes", "note", "0-46"),
}
TYPE_BY_NAME = {name: object_type for object_type, names in TYPE_NAMES.items() for name in names}
SINGULAR = {object_type: names[1] for object_type, names in TYPE_NAMES.items()}
LEADS_SCOPE = "crm.objects.leads.read"
CURRENCIES_SCOPE = "settings.currencies.read"
SCOPES = {
    "contacts": "crm.objects.contacts.read",
    "companies": "crm.objects.companies.read",
    "deals": "crm.objects.deals.read",
    "leads": LEADS_SCOPE,
    "owners": "crm.objects.owners.read",
    # Activities have no scope one could tick; they are read with that of contacts.
    **dict.fromkeys(ACTIVITIES, "crm.objects.contacts.read"),
}
SCHEMA_SCOPES = {
    **dict.fromkeys(TYPE_NAMES, "crm.schemas.contacts.read"),
    "deals": "crm.schemas.deals.read",
    "companies": "crm.schemas.companies.read",
    "leads": LEADS_SCOPE,
}
ASSOCIATION_TYPES = {
    ("deals", "contacts"): 3, ("contacts", "deals"): 4,
    ("contacts", "calls"): 193, ("calls", "contacts"): 194,
    ("contacts", "emails"): 197, ("emails", "contacts"): 198,
    ("contacts", "meetings"): 199, ("meetings", "contacts"): 200,
    ("contacts", "notes"): 201, ("notes", "contacts"): 202,
    ("contacts", "tasks"): 203, ("tasks", "contacts"): 204,
    ("communications", "contacts"): 81, ("contacts", "communications"): 82,
    ("deals", "calls"): 205, ("calls", "deals"): 206,
    ("deals", "emails"): 209, ("emails", "deals"): 210,
    ("deals", "meetings"): 211, ("meetings", "deals"): 212,
    ("deals", "notes"): 213, ("notes", "deals"): 214,
    ("deals", "tasks"): 215, ("tasks", "deals"): 216,
    ("communications", "deals"): 85, ("deals", "communications"): 86,
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("deals", "companies"): 341, ("companies", "deals"): 342,
    ("companies", "calls"): 181, ("calls", "companies"): 182,
    ("companies", "emails"): 185, ("emails", "companies"): 186,
    ("companies", "meetings"): 187, ("meetings", "companies"): 188,
    ("companies", "notes"): 189, ("notes", "companies"): 190,
    ("companies", "tasks"): 191, ("tasks", "companies"): 192,
    ("communications", "companies"): 87, ("companies", "communications"): 88,
    ("leads", "contacts"): 578, ("contacts", "leads"): 579,
    ("leads", "companies"): 580, ("companies", "leads"): 581,
    ("leads", "calls"): 596, ("calls", "leads"): 597,
    ("leads", "emails"): 598, ("emails", "leads"): 599,
    ("leads", "meetings"): 600, ("meetings", "leads"): 601,
    ("leads", "communications"): 602, ("communications", "leads"): 603,
    ("leads", "tasks"): 646, ("tasks", "leads"): 647,
}  # fmt: skip
# One of several companies is the main one: it carries a second, labelled type beside the plain one.
PRIMARY_TYPES = {
    ("contacts", "companies"): 1, ("companies", "contacts"): 2,
    ("deals", "companies"): 5, ("companies", "deals"): 6,
}  # fmt: skip

LEAD_PIPELINE_ID = "lead-pipeline-id"


@dataclass(frozen=True, slots=True)
class LeadStage:
    """A stage of the lead pipeline, in its order."""

    stage_id: str
    label: str
    order: int
    is_closed: bool
    state: str


LEAD_STAGES = (
    LeadStage("new-stage-id", "Nieuw", 0, False, "NEW"),
    LeadStage("attempting-stage-id", "Poging tot contact", 1, False, "ATTEMPTING"),
    LeadStage("connected-stage-id", "In gesprek", 2, False, "CONNECTED"),
    LeadStage("qualified-stage-id", "Gekwalificeerd", 3, True, "QUALIFIED"),
    LeadStage("unqualified-stage-id", "Afgevallen", 4, True, "UNQUALIFIED"),
)

# name -> type; a star marks a property HubSpot calculates, which stamps history anew at each sync.
_COMMON = {
    "hs_object_id": "number", "hubspot_owner_id": "enumeration", "hs_object_source_label": "string",
    "hs_object_source_detail_1": "string",
}  # fmt: skip
_ACTIVITY = {
    **_COMMON, "hs_timestamp": "datetime", "hs_createdate": "datetime", "hs_lastmodifieddate": "datetime",
    "lastmodifieddate": "datetime", "hs_activity_type": "enumeration",
}  # fmt: skip
DATE_ENTERED = "hs_v2_date_entered_"
PROPERTIES: dict[str, dict[str, str]] = {
    "contacts": {
        **_COMMON, "createdate": "datetime", "lastmodifieddate": "datetime", "hs_lastmodifieddate": "datetime",
        "firstname": "string", "lastname": "string", "email": "string", "phone": "string",
        "lifecyclestage": "enumeration", "hs_lead_status": "enumeration", "hs_analytics_source": "enumeration",
        "first_conversion_date": "datetime", "recent_conversion_date": "datetime",
        "hs_merged_object_ids": "enumeration", "hs_calculated_merged_vids": "string*",
        "notes_last_contacted": "datetime*", "num_associated_deals": "number*", "associatedcompanyid": "number*",
        "hs_v2_date_entered_lead": "datetime*", "hs_v2_date_entered_salesqualifiedlead": "datetime*",
        "hs_v2_date_entered_opportunity": "datetime*", "hs_v2_date_entered_customer": "datetime*",
    },
    "companies": {
        **_COMMON, "createdate": "datetime", "hs_lastmodifieddate": "datetime", "lastmodifieddate": "datetime",
        "name": "string", "domain": "string", "lifecyclestage": "enumeration",
        "num_associated_contacts": "number*", "num_associated_deals": "number*",
        "hs_merged_object_ids": "enumeration",
    },
    "deals": {
        **_COMMON, "createdate": "datetime", "hs_lastmodifieddate": "datetime", "lastmodifieddate": "datetime",
        "hs_createdate": "datetime", "dealname": "string", "pipeline": "enumeration", "dealstage": "enumeration",
        "amount": "number", "deal_currency_code": "enumeration", "amount_in_home_currency": "number*",
        "closedate": "datetime", "hs_is_closed": "bool*", "hs_is_closed_won": "bool*", "hs_is_closed_lost": "bool*",
        "hs_deal_stage_probability": "number*", "closed_lost_reason": "string", "closed_won_reason": "string",
        "dealtype": "enumeration", "num_associated_contacts": "number*", "hs_merged_object_ids": "enumeration",
    },
    "leads": {
        **_COMMON, "hs_createdate": "datetime", "hs_lastmodifieddate": "datetime", "lastmodifieddate": "datetime",
        "hs_lead_name": "string", "hs_pipeline": "enumeration", "hs_pipeline_stage": "enumeration",
        "hs_lead_type": "enumeration", "hs_lead_label": "enumeration",
        "hs_lead_disqualification_reason": "enumeration", "hs_primary_contact_id": "number*",
        "hs_lead_associated_deals_count": "number*", "hs_v2_date_entered_current_stage": "datetime*",
    },
    "calls": {
        **_ACTIVITY, "hs_call_direction": "enumeration", "hs_call_status": "enumeration",
        "hs_call_duration": "number", "hs_call_disposition": "enumeration", "hs_call_title": "string",
    },
    "emails": {
        **_ACTIVITY, "hs_email_direction": "enumeration", "hs_email_status": "enumeration",
        "hs_email_subject": "string",
    },
    "meetings": {
        **_ACTIVITY, "hs_meeting_outcome": "enumeration", "hs_meeting_start_time": "datetime",
        "hs_meeting_end_time": "datetime", "hs_meeting_title": "string",
    },
    "tasks": {
        **_ACTIVITY, "hs_task_status": "enumeration", "hs_task_type": "enumeration",
        "hs_task_priority": "enumeration", "hs_task_subject": "string", "hs_task_completion_date": "datetime",
        "hs_task_missed_due_date_count": "number*", "hs_task_is_overdue": "bool*",
    },
    "communications": {
        **_ACTIVITY, "hs_communication_channel_type": "enumeration",
        "hs_communication_logged_from": "enumeration", "hs_communication_body": "string",
    },
    "notes": {**_ACTIVITY, "hs_note_body": "string"},
}  # fmt: skip
_ACTIVITY_ALWAYS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
ALWAYS = {
    "contacts": ("createdate", "hs_object_id", "lastmodifieddate"),
    "companies": ("createdate", "hs_lastmodifieddate", "hs_object_id"),
    "deals": ("createdate", "hs_lastmodifieddate", "hs_object_id"),
    "leads": _ACTIVITY_ALWAYS,
    **dict.fromkeys(ACTIVITIES, _ACTIVITY_ALWAYS),
}
DEFAULT_PROPERTIES = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline",
    ),
    "leads": _ACTIVITY_ALWAYS,
    **dict.fromkeys(ACTIVITIES, _ACTIVITY_ALWAYS),
}  # fmt: skip
MODIFIED = {name: "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate" for name in TYPE_NAMES}
# What the metrics read the past of; the ledger holds the entries of these.
HISTORY_PROPERTIES = {
    "contacts": ("lifecyclestage", "hs_lead_status", "hubspot_owner_id", "recent_conversion_date"),
    "deals": ("dealstage", "pipeline", "hubspot_owner_id", "amount", "closedate"),
    "leads": ("hs_pipeline_stage", "hs_pipeline", "hubspot_owner_id"),
}
OPERATORS = frozenset(
    {
        "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
    }
)  # fmt: skip
