"""Salesforce as tables: objects, fields, the part of each object that is ours. API 67.0, November 2026."""

from __future__ import annotations

from collections.abc import Mapping

from leadrole.crm.spec import Endpoint

# Ours: Salesforce's. A field that is only known from the config (CUSTOM) has no name of its own here.
LEAD_FIELDS = {
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
    "last_modified_date": "LastModifiedDate",
    "system_modstamp": "SystemModstamp",
    "owner_id": "OwnerId",
    "status": "Status",
    "lead_source": "LeadSource",
    "master_record_id": "MasterRecordId",
    "is_converted": "IsConverted",
    "converted_date": "ConvertedDate",
    "converted_contact_id": "ConvertedContactId",
    "converted_account_id": "ConvertedAccountId",
    "converted_opportunity_id": "ConvertedOpportunityId",
    "last_form": "",
}
CONTACT_FIELDS = {
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
    "last_modified_date": "LastModifiedDate",
    "system_modstamp": "SystemModstamp",
    "owner_id": "OwnerId",
    "account_id": "AccountId",
    "lead_source": "LeadSource",
    "master_record_id": "MasterRecordId",
    "last_form": "",
}
ACCOUNT_FIELDS = {
    "created_date": "CreatedDate",
    "last_modified_date": "LastModifiedDate",
    "system_modstamp": "SystemModstamp",
    "owner_id": "OwnerId",
    "type": "Type",
    "master_record_id": "MasterRecordId",
}
OPPORTUNITY_FIELDS = {
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
    "last_modified_date": "LastModifiedDate",
    "system_modstamp": "SystemModstamp",
    "owner_id": "OwnerId",
    "account_id": "AccountId",
    "stage_name": "StageName",
    "amount": "Amount",
    "currency_iso_code": "CurrencyIsoCode",
    "close_date": "CloseDate",
    "type": "Type",
    "is_closed": "IsClosed",
    "is_won": "IsWon",
    "lost_reason": "",
}
CONTACT_ROLE_FIELDS = {
    "created_date": "CreatedDate",
    "system_modstamp": "SystemModstamp",
    "opportunity_id": "OpportunityId",
    "contact_id": "ContactId",
    "role": "Role",
    "is_primary": "IsPrimary",
}
STAGE_HISTORY_FIELDS = {
    "opportunity_id": "OpportunityId",
    "stage_name": "StageName",
    "amount": "Amount",
    "close_date": "CloseDate",
    "probability": "Probability",
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
    "system_modstamp": "SystemModstamp",
}
LEAD_HISTORY_FIELDS = {
    "lead_id": "LeadId",
    "field": "Field",
    "data_type": "DataType",
    "old_value": "OldValue",
    "new_value": "NewValue",
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
}
CONTACT_HISTORY_FIELDS = {
    "contact_id": "ContactId",
    "field": "Field",
    "data_type": "DataType",
    "old_value": "OldValue",
    "new_value": "NewValue",
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
}
OPPORTUNITY_FIELD_HISTORY_FIELDS = {
    "opportunity_id": "OpportunityId",
    "field": "Field",
    "data_type": "DataType",
    "old_value": "OldValue",
    "new_value": "NewValue",
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
}
TASK_FIELDS = {
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
    "last_modified_date": "LastModifiedDate",
    "system_modstamp": "SystemModstamp",
    "owner_id": "OwnerId",
    "who_id": "WhoId",
    "what_id": "WhatId",
    "task_subtype": "TaskSubtype",
    "status": "Status",
    "is_closed": "IsClosed",
    "completed_date_time": "CompletedDateTime",
    "activity_date": "ActivityDate",
    "call_type": "CallType",
    "call_duration_in_seconds": "CallDurationInSeconds",
    "call_disposition": "CallDisposition",
    "is_recurrence": "IsRecurrence",
    "happened_at": "",
    "direction": "",
}
EVENT_FIELDS = {
    "created_date": "CreatedDate",
    "created_by_id": "CreatedById",
    "last_modified_date": "LastModifiedDate",
    "system_modstamp": "SystemModstamp",
    "owner_id": "OwnerId",
    "who_id": "WhoId",
    "what_id": "WhatId",
    "start_date_time": "StartDateTime",
    "end_date_time": "EndDateTime",
    "activity_date": "ActivityDate",
    "is_all_day_event": "IsAllDayEvent",
    "is_child": "IsChild",
    "is_recurrence": "IsRecurrence",
    "outcome": "",
}
USER_FIELDS = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "user_type": "UserType",
    "is_active": "IsActive",
    "system_modstamp": "SystemModstamp",
}
GROUP_FIELDS = {"type": "Type", "system_modstamp": "SystemModstamp"}
STAGE_FIELDS = {
    "api_name": "ApiName",
    "label": "MasterLabel",
    "is_active": "IsActive",
    "is_closed": "IsClosed",
    "is_won": "IsWon",
    "sort_order": "SortOrder",
    "default_probability": "DefaultProbability",
    "system_modstamp": "SystemModstamp",
}
STATUS_FIELDS = {
    "api_name": "ApiName",
    "label": "MasterLabel",
    "is_converted": "IsConverted",
    "sort_order": "SortOrder",
    "system_modstamp": "SystemModstamp",
}
CURRENCY_FIELDS = {
    "iso_code": "IsoCode",
    "conversion_rate": "ConversionRate",
    "is_active": "IsActive",
    "is_corporate": "IsCorporate",
    "system_modstamp": "SystemModstamp",
}
RATE_FIELDS = {
    "iso_code": "IsoCode",
    "start_date": "StartDate",
    "next_start_date": "NextStartDate",
    "conversion_rate": "ConversionRate",
    "system_modstamp": "SystemModstamp",
}

USERS = Endpoint(name="users", type="User", fields=tuple(USER_FIELDS), is_reference=True)
GROUPS = Endpoint(name="groups", type="Group", fields=tuple(GROUP_FIELDS), is_reference=True)
OPPORTUNITY_STAGES = Endpoint(
    name="opportunity_stages", type="OpportunityStage", fields=tuple(STAGE_FIELDS), is_reference=True
)
LEAD_STATUSES = Endpoint(
    name="lead_statuses", type="LeadStatus", fields=tuple(STATUS_FIELDS), is_reference=True
)
# Only an org with several currencies has these two, and the second only with dated rates.
CURRENCY_TYPES = Endpoint(
    name="currency_types",
    type="CurrencyType",
    fields=tuple(CURRENCY_FIELDS),
    is_reference=True,
    is_optional=True,
)
DATED_CONVERSION_RATES = Endpoint(
    name="dated_conversion_rates",
    type="DatedConversionRate",
    fields=tuple(RATE_FIELDS),
    is_reference=True,
    is_optional=True,
)

# `history` are snapshots: each version of a record that a night reads leaves the values that it had. Salesforce's
# own history exists only where somebody switched it on, and never for the time before.
LEADS = Endpoint(
    name="leads",
    type="Lead",
    fields=tuple(LEAD_FIELDS),
    cursor="system_modstamp",
    history=("status", "owner_id", "last_form"),
    survivor="master_record_id",
    may_lack=frozenset({"lead_source"}),
)
CONTACTS = Endpoint(
    name="contacts",
    type="Contact",
    fields=tuple(CONTACT_FIELDS),
    cursor="system_modstamp",
    history=("owner_id", "last_form"),
    survivor="master_record_id",
    may_lack=frozenset({"lead_source", "account_id"}),
)
ACCOUNTS = Endpoint(
    name="accounts",
    type="Account",
    fields=tuple(ACCOUNT_FIELDS),
    cursor="system_modstamp",
    survivor="master_record_id",
    is_optional=True,
    may_lack=frozenset({"type"}),
)
OPPORTUNITIES = Endpoint(
    name="opportunities",
    type="Opportunity",
    fields=tuple(OPPORTUNITY_FIELDS),
    cursor="system_modstamp",
    history=("owner_id",),
    may_lack=frozenset({"currency_iso_code", "type", "account_id"}),
)
OPPORTUNITY_CONTACT_ROLES = Endpoint(
    name="opportunity_contact_roles",
    type="OpportunityContactRole",
    fields=tuple(CONTACT_ROLE_FIELDS),
    cursor="system_modstamp",
    may_lack=frozenset({"role"}),
)
OPPORTUNITY_HISTORY = Endpoint(
    name="opportunity_history",
    type="OpportunityHistory",
    fields=tuple(STAGE_HISTORY_FIELDS),
    cursor="created_date",
    only_grows=True,
)
LEAD_HISTORY = Endpoint(
    name="lead_history",
    type="LeadHistory",
    fields=tuple(LEAD_HISTORY_FIELDS),
    cursor="created_date",
    only_grows=True,
    is_optional=True,
    may_lack=frozenset({"data_type"}),
)
CONTACT_HISTORY = Endpoint(
    name="contact_history",
    type="ContactHistory",
    fields=tuple(CONTACT_HISTORY_FIELDS),
    cursor="created_date",
    only_grows=True,
    is_optional=True,
    may_lack=frozenset({"data_type"}),
)
OPPORTUNITY_FIELD_HISTORY = Endpoint(
    name="opportunity_field_history",
    type="OpportunityFieldHistory",
    fields=tuple(OPPORTUNITY_FIELD_HISTORY_FIELDS),
    cursor="created_date",
    only_grows=True,
    is_optional=True,
    may_lack=frozenset({"data_type"}),
)
TASKS = Endpoint(
    name="tasks",
    type="Task",
    fields=tuple(TASK_FIELDS),
    cursor="system_modstamp",
    may_lack=frozenset(
        {"task_subtype", "call_type", "call_duration_in_seconds", "call_disposition", "is_recurrence"}
    ),
)
EVENTS = Endpoint(
    name="events",
    type="Event",
    fields=tuple(EVENT_FIELDS),
    cursor="system_modstamp",
    may_lack=frozenset({"is_child", "is_recurrence"}),
)

ENDPOINTS = (
    USERS, GROUPS, OPPORTUNITY_STAGES, LEAD_STATUSES, CURRENCY_TYPES, DATED_CONVERSION_RATES,
    LEADS, CONTACTS, ACCOUNTS, OPPORTUNITIES, OPPORTUNITY_CONTACT_ROLES,
    OPPORTUNITY_HISTORY, LEAD_HISTORY, CONTACT_HISTORY, OPPORTUNITY_FIELD_HISTORY, TASKS, EVENTS,
)  # fmt: skip
FIELDS: Mapping[str, Mapping[str, str]] = {
    "users": USER_FIELDS,
    "groups": GROUP_FIELDS,
    "opportunity_stages": STAGE_FIELDS,
    "lead_statuses": STATUS_FIELDS,
    "currency_types": CURRENCY_FIELDS,
    "dated_conversion_rates": RATE_FIELDS,
    "leads": LEAD_FIELDS,
    "contacts": CONTACT_FIELDS,
    "accounts": ACCOUNT_FIELDS,
    "opportunities": OPPORTUNITY_FIELDS,
    "opportunity_contact_roles": CONTACT_ROLE_FIELDS,
    "opportunity_history": STAGE_HISTORY_FIELDS,
    "lead_history": LEAD_HISTORY_FIELDS,
    "contact_history": CONTACT_HISTORY_FIELDS,
    "opportunity_field_history": OPPORTUNITY_FIELD_HISTORY_FIELDS,
    "tasks": TASK_FIELDS,
    "events": EVENT_FIELDS,
}
# Fields that each company makes for itself: (object, ours) -> the config's key that names Salesforce's.
CUSTOM: Mapping[tuple[str, str], str] = {
    ("leads", "last_form"): "last_form_field",
    ("contacts", "last_form"): "last_form_field",
    ("opportunities", "lost_reason"): "lost_reason_field",
    ("tasks", "happened_at"): "happened_at_field",
    ("tasks", "direction"): "direction_field",
    ("events", "outcome"): "meeting_outcome_field",
}
# Of a history only the entries on these fields: the others hold people's names, addresses and numbers.
TRACKED: Mapping[str, tuple[str, ...]] = {
    "lead_history": (
        "created", "leadConverted", "leadMerged", "Owner", "ownerAssignment", "ownerAccepted", "Status",
    ),
    "contact_history": ("created", "contactCreatedFromLead", "contactMerged", "Owner", "ownerAccepted"),
    "opportunity_field_history": (
        "created", "opportunityCreatedFromLead", "Owner", "StageName", "Amount", "CloseDate",
    ),
}  # fmt: skip
TRACKED_CUSTOM: Mapping[str, str] = {
    "lead_history": "last_form_field",
    "contact_history": "last_form_field",
    "opportunity_field_history": "lost_reason_field",
}
# Everything else in Group is a role or a set of people that can't own a lead.
ONLY: Mapping[str, str] = {"groups": "Type = 'Queue'"}

DATA = "/services/data/v{version}"
TOKEN = "/services/oauth2/token"
MAX_PAGE = 2000
MIN_PAGE = 200
MAX_BULK_PAGE = 50_000
IDS_A_QUERY = 400  # a query lives in the URL, which ends at 16,384 bytes
DESCRIBES_A_CALL = 25
