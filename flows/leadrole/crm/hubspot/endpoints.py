"""HubSpot as tables: versions of its API, kinds of record, fields. State of November 2026."""

from __future__ import annotations

from dataclasses import dataclass

from leadrole.crm.spec import Endpoint


@dataclass(frozen=True)
class Layout:
    """HubSpot's paths in one version of its API; {type}, {from_type} and {to_type} are filled in."""

    objects: str
    search: str
    batch_read: str
    associations: str
    owners: str
    pipelines: str
    properties: str
    token: str


_DATED = Layout(
    objects="/crm/objects/{version}/{type}",
    search="/crm/objects/{version}/{type}/search",
    batch_read="/crm/objects/{version}/{type}/batch/read",
    associations="/crm/associations/{version}/{from_type}/{to_type}/batch/read",
    owners="/crm/owners/{version}",
    pipelines="/crm/pipelines/{version}/{type}",
    properties="/crm/properties/{version}/{type}",
    token="/oauth/{version}/token",
)

# The dated versions live 18 months each; v3 and v4 end in 2027.
LAYOUTS = {
    "2026-03": _DATED,
    "2026-09": _DATED,
    "v3": Layout(
        objects="/crm/v3/objects/{type}",
        search="/crm/v3/objects/{type}/search",
        batch_read="/crm/v3/objects/{type}/batch/read",
        associations="/crm/v4/associations/{from_type}/{to_type}/batch/read",
        owners="/crm/v3/owners",
        pipelines="/crm/v3/pipelines/{type}",
        properties="/crm/v3/properties/{type}",
        token="/oauth/v3/token",
    ),
}

CONTACTS = Endpoint(
    name="contacts",
    type="contacts",
    fields=(
        "createdate",
        "lastmodifieddate",
        "lifecyclestage",
        "hs_lead_status",
        "hubspot_owner_id",
        "hs_analytics_source",
        "hs_object_source_label",
        "first_conversion_date",
        "recent_conversion_date",
        "hs_merged_object_ids",
    ),
    cursor="lastmodifieddate",  # contacts alone; every other kind has hs_ before it
    history=("lifecyclestage", "hs_lead_status", "hubspot_owner_id", "recent_conversion_date"),
    swallowed="hs_merged_object_ids",
    lists_ids_only=True,
)

# Sales Hub Professional and up; without it HubSpot answers 403 with the scope that nobody can tick.
LEADS = Endpoint(
    name="leads",
    type="leads",
    fields=(
        "hs_createdate",
        "hs_lastmodifieddate",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hubspot_owner_id",
        "hs_primary_contact_id",
        "hs_lead_disqualification_reason",
        "hs_object_source_label",
    ),
    cursor="hs_lastmodifieddate",
    history=("hs_pipeline_stage", "hs_pipeline", "hubspot_owner_id"),
    links=("contacts",),
    lists_ids_only=True,
    is_optional=True,
    may_lack=frozenset({"hs_lead_disqualification_reason"}),
)

COMPANIES = Endpoint(
    name="companies",
    type="companies",
    fields=("createdate", "hs_lastmodifieddate", "hs_merged_object_ids"),
    cursor="hs_lastmodifieddate",
    links=("contacts",),
    swallowed="hs_merged_object_ids",
    is_optional=True,
    may_lack=frozenset({"hs_merged_object_ids"}),
)

DEALS = Endpoint(
    name="deals",
    type="deals",
    fields=(
        "createdate",
        "hs_lastmodifieddate",
        "pipeline",
        "dealstage",
        "amount",
        "deal_currency_code",
        "closedate",
        "hubspot_owner_id",
        "hs_is_closed",
        "hs_is_closed_won",
        "closed_lost_reason",
        "dealtype",
        "hs_merged_object_ids",
    ),
    cursor="hs_lastmodifieddate",
    history=("dealstage", "pipeline", "hubspot_owner_id", "amount", "closedate"),
    links=("contacts", "companies"),
    swallowed="hs_merged_object_ids",
    lists_ids_only=True,
    # Accounts with one currency have no such property, and older ones none for merges of deals.
    may_lack=frozenset({"deal_currency_code", "hs_merged_object_ids"}),
)

CALLS = Endpoint(
    name="calls",
    type="calls",
    fields=(
        "hs_timestamp",
        "hs_createdate",
        "hs_lastmodifieddate",
        "hubspot_owner_id",
        "hs_call_direction",
        "hs_call_status",
        "hs_call_duration",
        "hs_call_disposition",
        "hs_object_source_label",
    ),
    cursor="hs_lastmodifieddate",
    links=("contacts", "deals"),
)

EMAILS = Endpoint(
    name="emails",
    type="emails",
    fields=(
        "hs_timestamp",
        "hs_createdate",
        "hs_lastmodifieddate",
        "hubspot_owner_id",
        "hs_email_direction",
        "hs_email_status",
        "hs_object_source_label",
    ),
    cursor="hs_lastmodifieddate",
    links=("contacts", "deals"),
)

MEETINGS = Endpoint(
    name="meetings",
    type="meetings",
    fields=(
        "hs_timestamp",
        "hs_createdate",
        "hs_lastmodifieddate",
        "hubspot_owner_id",
        "hs_meeting_outcome",
        "hs_meeting_start_time",
        "hs_meeting_end_time",
        "hs_object_source_label",
    ),
    cursor="hs_lastmodifieddate",
    links=("contacts", "deals"),
)

TASKS = Endpoint(
    name="tasks",
    type="tasks",
    fields=(
        "hs_timestamp",  # when it is due
        "hs_createdate",
        "hs_lastmodifieddate",
        "hubspot_owner_id",
        "hs_task_status",
        "hs_task_completion_date",
        "hs_object_source_label",
    ),
    cursor="hs_lastmodifieddate",
    links=("contacts", "deals"),
    is_optional=True,
)

COMMUNICATIONS = Endpoint(
    name="communications",
    type="communications",
    fields=(
        "hs_timestamp",
        "hs_createdate",
        "hs_lastmodifieddate",
        "hubspot_owner_id",
        "hs_communication_channel_type",
        "hs_object_source_label",
    ),
    cursor="hs_lastmodifieddate",
    links=("contacts", "deals"),
    is_optional=True,
)

OWNERS = Endpoint(
    name="owners",
    type="owners",
    fields=("type", "first_name", "last_name", "user_id", "archived"),
    is_reference=True,
)

DEAL_STAGES = Endpoint(
    name="deal_stages",
    type="deals",
    fields=(
        "pipeline_id",
        "pipeline_label",
        "stage_id",
        "label",
        "display_order",
        "is_closed",
        "probability",
        "archived",
    ),
    is_reference=True,
)

LEAD_STAGES = Endpoint(
    name="lead_stages",
    type="leads",
    fields=("pipeline_id", "stage_id", "label"),
    is_reference=True,
    is_optional=True,
)

# Deals before activities: the links of an activity may point to a deal that was made a minute ago.
ENDPOINTS = (
    OWNERS,
    DEAL_STAGES,
    LEAD_STAGES,
    CONTACTS,
    COMPANIES,
    LEADS,
    DEALS,
    CALLS,
    EMAILS,
    MEETINGS,
    TASKS,
    COMMUNICATIONS,
)

MAX_PAGE = 100
MAX_SEARCH_PAGE = 200
MAX_HISTORY_BATCH = 50
MAX_ASSOCIATIONS_BATCH = 1000
