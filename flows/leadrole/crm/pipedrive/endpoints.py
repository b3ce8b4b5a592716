"""Pipedrive as tables: kinds of record, fields, paths and what a call costs. State of November 2026.

Why every list is read whole each night, and no window is asked for. Pipedrive counts tokens by call, whatever
the call brings: a page of 500 costs 10 with all fields and 10 without. It tells nobody what was deleted (of
deals it does, for 30 days), so all ids are needed every night. For n records, c tokens a page and m changed:

    window and ids    c * (m/500 + n/500), at least 2 c
    the whole list    c * n/500

The whole list is never dearer, brings changes that move no `update_time` (products, participants, merges) and
needs no trust in the clock. 20,000 activities are 400 tokens of the 150,000 that five seats have on the smallest
plan.

The history of a deal is another matter: 40 tokens a deal, one deal a call. All deals of a company with 5,000
would be 200,000, so it is read when a deal is new or any of its fields differs from what we hold. The changelog
costs half and has no ids: two changes in one second could not be put in order, nor told apart from one.

The further persons of a deal ("participants") are 10 tokens a deal, and a swap of two of them changes no field of the
deal. How many there are is in the list for nothing, so those are asked for that have any beside their main person, if
the deal is open, new or moved.
"""

from __future__ import annotations

from leadrole.crm.spec import Endpoint

USERS = Endpoint(
    name="users",
    type="users",
    fields=("name", "active_flag", "is_deleted", "timezone_name", "default_currency", "created", "modified"),
    is_reference=True,
)

PIPELINES = Endpoint(
    name="pipelines",
    type="pipelines",
    fields=("name", "order_nr", "is_deleted", "add_time", "update_time"),
    is_reference=True,
)

STAGES = Endpoint(
    name="stages",
    type="stages",
    fields=("pipeline_id", "name", "order_nr", "deal_probability", "is_deleted", "add_time", "update_time"),
    is_reference=True,
)

ACTIVITY_TYPES = Endpoint(
    name="activity_types",
    type="activityTypes",
    fields=("key_string", "name", "icon_key", "order_nr", "is_custom_flag", "active_flag"),
    is_reference=True,
)

LEAD_LABELS = Endpoint(name="lead_labels", type="leadLabels", fields=("name", "color"), is_reference=True)

LEAD_SOURCES = Endpoint(
    name="lead_sources", type="leadSources", fields=("name",), is_reference=True, is_optional=True
)

CURRENCIES = Endpoint(
    name="currencies",
    type="currencies",
    fields=("code", "name", "decimal_points", "active_flag", "is_custom_flag"),
    is_reference=True,
    is_optional=True,
)

# Options of the fields whose values are option ids; leads have the fields of deals.
FIELD_OPTIONS = Endpoint(
    name="field_options",
    type="dealFields",
    fields=("field_code", "option_id", "label"),
    is_reference=True,
)

LEADS = Endpoint(
    name="leads",
    type="leads",
    fields=(
        "owner_id",
        "creator_id",
        "label_ids",
        "person_id",
        "organization_id",
        "source_name",
        "origin",
        "channel",
        "is_archived",
        "add_time",
        "update_time",
        "custom_source",
    ),
    cursor="update_time",
    # Pipedrive keeps no history of leads: what we saw each night is all there ever will be.
    history=("is_archived", "label_ids", "owner_id", "person_id"),
    reads_whole=True,
    became=("deals", "source_lead_id"),
)

DEALS = Endpoint(
    name="deals",
    type="deals",
    fields=(
        "creator_user_id",
        "owner_id",
        "person_id",
        "org_id",
        "pipeline_id",
        "stage_id",
        "status",
        "value",
        "currency",
        "lost_reason",
        "origin",
        "channel",
        "source_lead_id",
        "is_archived",
        "add_time",
        "update_time",
        "stage_change_time",
        "won_time",
        "lost_time",
        "close_time",
        "archive_time",
        "expected_close_date",
        "participants_count",
        "custom_source",
        "custom_type",
    ),
    cursor="update_time",
    links=("persons",),
    children=("deal_changes",),
    reads_whole=True,
)

DEAL_CHANGES = Endpoint(
    name="deal_changes",
    type="deals",
    fields=("item_id", "field_key", "old_value", "new_value", "user_id", "log_time", "change_source"),
    cursor="log_time",
    only_grows=True,
)

PERSONS = Endpoint(
    name="persons",
    type="persons",
    fields=("owner_id", "org_id", "add_time", "update_time"),
    cursor="update_time",
    reads_whole=True,
)

ORGANIZATIONS = Endpoint(
    name="organizations",
    type="organizations",
    fields=("owner_id", "add_time", "update_time"),
    cursor="update_time",
    reads_whole=True,
)

ACTIVITIES = Endpoint(
    name="activities",
    type="activities",
    fields=(
        "type",
        "owner_id",
        "creator_user_id",
        "deal_id",
        "lead_id",
        "person_id",
        "org_id",
        "participants",
        "due_date",
        "due_time",
        "duration",
        "done",
        "marked_as_done_time",
        "add_time",
        "update_time",
    ),
    cursor="update_time",
    reads_whole=True,
)

# Leads before deals: a lead that is converted while we read is then in both, never in neither.
ENDPOINTS = (
    USERS,
    PIPELINES,
    STAGES,
    ACTIVITY_TYPES,
    LEAD_LABELS,
    LEAD_SOURCES,
    CURRENCIES,
    FIELD_OPTIONS,
    LEADS,
    DEALS,
    PERSONS,
    ORGANIZATIONS,
    ACTIVITIES,
    DEAL_CHANGES,
)

# Fields that every record has. Anything else may be missing: an open deal has no won_time, not a null one.
NEEDED = {
    "leads": ("add_time", "update_time", "owner_id", "is_archived"),
    "deals": ("add_time", "update_time", "owner_id", "pipeline_id", "stage_id", "status"),
    "persons": ("add_time", "update_time"),
    "organizations": ("add_time", "update_time"),
    "activities": ("add_time", "update_time", "type", "done", "due_date"),
}

# The fields of a deal whose changes are kept. A title holds people's names, and nobody needs its history.
CHANGE_KEYS = frozenset(
    {
        "add_time", "stage_id", "pipeline_id", "status", "user_id", "owner_id", "value", "currency",
        "expected_close_date", "person_id", "org_id", "won_time", "lost_time", "lost_reason", "is_archived",
    }
)  # fmt: skip

# Every part of a list, read one after the other.
LISTS = {
    "deals": ("/api/v2/deals", "/api/v2/deals/archived"),
    "persons": ("/api/v2/persons",),
    "organizations": ("/api/v2/organizations",),
    "activities": ("/api/v2/activities",),
    "leads": ("/v1/leads", "/v1/leads/archived"),
}
# Where version 2 has nothing, version 1 is still supported; under /api/v1 several of these are not found.
REFERENCES = {
    "users": "/v1/users",
    "pipelines": "/api/v2/pipelines",
    "stages": "/api/v2/stages",
    "activity_types": "/v1/activityTypes",
    "lead_labels": "/v1/leadLabels",
    "lead_sources": "/v1/leadSources",
    "currencies": "/v1/currencies",
    "field_options": "/api/v2/dealFields",
}
COUNTS = ("/v1/deals/summary", "/v1/deals/summary/archived")
ONE_LEAD = "/v1/leads/{id}"
ONE_DEAL = "/api/v2/deals/{id}"
FLOW = "/v1/deals/{id}/flow"
PARTICIPANTS = "/v1/deals/{id}/participants"
# What is left out of a deal unless it is asked for.
DEAL_EXTRAS = "source_lead_id,participants_count"

# Tokens a call, by path; the first that fits.
TOKENS = (
    (r"/api/v2/deals/archived", 20),
    (r"/api/v2/(deals|persons|organizations|activities)", 10),
    (r"/api/v2/(deals|persons|organizations|activities)/\d+", 1),
    (r"/api/v2/(pipelines|stages)", 5),
    (r"/api/v2/\w+Fields", 10),
    (r"/v1/leads", 20),
    (r"/v1/leads/archived", 40),
    (r"/v1/leads/[0-9a-f-]+", 2),
    (r"/v1/users", 20),
    (r"/v1/leadSources", 2),
    (r"/v1/(leadLabels|activityTypes|currencies)", 10),
    (r"/v1/deals/summary(/archived)?", 40),
    (r"/v1/deals/\d+/flow", 40),
    (r"/v1/deals/\d+/participants", 10),
    (r"/oauth/token", 0),
)
DEAREST = 40

MAX_PAGE = 500
MAX_IDS = 100
