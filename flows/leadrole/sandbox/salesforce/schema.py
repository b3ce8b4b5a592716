"""The objects of the pretend org: their fields, key prefixes and descriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from leadrole.sandbox.log import STAGES

# A mark after the type: ! never null, * calculated (changes without a stamp), $ only with several currencies.
_STAMPS = """
IsDeleted:boolean! CreatedDate:datetime! CreatedById:reference>User! LastModifiedDate:datetime!
LastModifiedById:reference>User! SystemModstamp:datetime!
"""
_SETUP = _STAMPS.replace("IsDeleted:boolean!", "")
_HISTORY = """
IsDeleted:boolean! CreatedById:reference>User! CreatedDate:datetime! Field:picklist! DataType:picklist
OldValue:anyType NewValue:anyType
"""
_FIELDS = {
    "Lead": f"""
        Id:id! {_STAMPS} MasterRecordId:reference>Lead LastName:string! FirstName:string Name:string!
        Company:string! Email:email Phone:phone LeadSource:picklist Status:picklist! OwnerId:reference>Group,User!
        IsConverted:boolean! ConvertedDate:date ConvertedAccountId:reference>Account
        ConvertedContactId:reference>Contact ConvertedOpportunityId:reference>Opportunity Street:textarea
        City:string PostalCode:string Country:string Address:address CurrencyIsoCode:picklist$
        Last_Form__c:datetime Age_Days__c:double*""",
    "Contact": f"""
        Id:id! {_STAMPS} MasterRecordId:reference>Contact AccountId:reference>Account LastName:string!
        FirstName:string Name:string! Email:email Phone:phone LeadSource:picklist OwnerId:reference>User!
        MailingStreet:textarea MailingCity:string MailingAddress:address CurrencyIsoCode:picklist$
        Last_Form__c:datetime""",
    "Account": f"""
        Id:id! {_STAMPS} MasterRecordId:reference>Account Name:string! Type:picklist Phone:phone Website:url
        OwnerId:reference>User! BillingStreet:textarea BillingCity:string BillingAddress:address
        CurrencyIsoCode:picklist$""",
    "Opportunity": f"""
        Id:id! {_STAMPS} AccountId:reference>Account RecordTypeId:reference>RecordType Name:string!
        Description:textarea StageName:picklist! Amount:currency Probability:percent ExpectedRevenue:currency
        CloseDate:date! Type:picklist LeadSource:picklist IsClosed:boolean! IsWon:boolean!
        ForecastCategory:picklist! ForecastCategoryName:picklist OwnerId:reference>User! CurrencyIsoCode:picklist$
        Loss_Reason__c:picklist Age_Days__c:double*""",
    "OpportunityContactRole": f"""
        Id:id! {_STAMPS} OpportunityId:reference>Opportunity! ContactId:reference>Contact! Role:picklist
        IsPrimary:boolean! CurrencyIsoCode:picklist$""",
    "Task": f"""
        Id:id! {_STAMPS} WhoId:reference>Contact,Lead WhatId:reference>Account,Opportunity
        AccountId:reference>Account OwnerId:reference>Group,User! Subject:string ActivityDate:date Status:picklist!
        Priority:picklist! IsClosed:boolean! IsHighPriority:boolean! TaskSubtype:picklist CompletedDateTime:datetime
        CallType:picklist CallDurationInSeconds:int CallDisposition:string Description:textarea
        IsArchived:boolean! IsRecurrence:boolean! CurrencyIsoCode:picklist$ Happened_At__c:datetime
        Direction__c:picklist""",
    "Event": f"""
        Id:id! {_STAMPS} WhoId:reference>Contact,Lead WhatId:reference>Account,Opportunity
        AccountId:reference>Account OwnerId:reference>Calendar,User! Subject:string StartDateTime:datetime
        EndDateTime:datetime ActivityDateTime:datetime ActivityDate:date DurationInMinutes:int
        IsAllDayEvent:boolean! IsPrivate:boolean! IsChild:boolean! ShowAs:picklist Description:textarea
        IsArchived:boolean! IsRecurrence:boolean! CurrencyIsoCode:picklist$ Outcome__c:picklist""",
    "OpportunityHistory": """
        Id:id! IsDeleted:boolean! OpportunityId:reference>Opportunity! StageName:picklist! Amount:currency
        ExpectedRevenue:currency CloseDate:date Probability:percent ForecastCategory:picklist!
        CreatedById:reference>User! CreatedDate:datetime! SystemModstamp:datetime! CurrencyIsoCode:picklist$""",
    "LeadHistory": f"Id:id! LeadId:reference>Lead! {_HISTORY}",
    "ContactHistory": f"Id:id! ContactId:reference>Contact! {_HISTORY}",
    "OpportunityFieldHistory": f"Id:id! OpportunityId:reference>Opportunity! {_HISTORY}",
    "User": f"""
        Id:id! {_SETUP} Username:string! LastName:string! FirstName:string Name:string! Email:email!
        IsActive:boolean! UserType:picklist UserRoleId:reference>UserRole ProfileId:reference>Profile
        ManagerId:reference>User TimeZoneSidKey:picklist! DefaultCurrencyIsoCode:picklist$
        CurrencyIsoCode:picklist$""",
    "Group": f"""
        Id:id! {_SETUP} Name:string! DeveloperName:string RelatedId:reference>User Type:picklist! Email:email
        OwnerId:reference>Organization,User!""",
    "OpportunityStage": f"""
        Id:id! {_SETUP} MasterLabel:string ApiName:string! IsActive:boolean! SortOrder:int IsClosed:boolean!
        IsWon:boolean! ForecastCategory:picklist! ForecastCategoryName:picklist! DefaultProbability:percent
        Description:string""",
    "LeadStatus": f"""
        Id:id! {_SETUP} MasterLabel:string ApiName:string! SortOrder:int IsDefault:boolean!
        IsConverted:boolean!""",
    "TaskStatus": f"""
        Id:id! {_SETUP} MasterLabel:string ApiName:string! SortOrder:int IsDefault:boolean! IsClosed:boolean!""",
    "Organization": f"""
        Id:id! {_SETUP} Name:string! OrganizationType:picklist InstanceName:string IsSandbox:boolean!
        TimeZoneSidKey:picklist! LanguageLocaleKey:picklist!""",
    "CurrencyType": f"""
        Id:id! {_SETUP} IsoCode:picklist! ConversionRate:double! DecimalPlaces:int! IsActive:boolean!
        IsCorporate:boolean!""",
    "DatedConversionRate": f"""
        Id:id! {_SETUP} IsoCode:picklist! StartDate:date! NextStartDate:date! ConversionRate:double!""",
}  # fmt: skip
PREFIXES = {
    "Lead": "00Q", "Contact": "003", "Account": "001", "Opportunity": "006", "OpportunityContactRole": "00K",
    "Task": "00T", "Event": "00U", "OpportunityHistory": "008", "LeadHistory": "017", "ContactHistory": "017",
    "OpportunityFieldHistory": "017", "User": "005", "Group": "00G", "OpportunityStage": "01J", "LeadStatus": "01J",
    "TaskStatus": "01J", "Organization": "00D", "CurrencyType": "01L", "DatedConversionRate": "04w",
}  # fmt: skip
NAMES = {
    "Lead": "leads", "Contact": "contacts", "Account": "accounts", "Opportunity": "opportunities",
    "OpportunityContactRole": "opportunity_contact_roles", "Task": "tasks", "Event": "events",
    "OpportunityHistory": "opportunity_history", "LeadHistory": "lead_history",
    "OpportunityFieldHistory": "opportunity_field_history", "User": "users", "Group": "groups",
    "OpportunityStage": "opportunity_stages", "LeadStatus": "lead_statuses", "CurrencyType": "currency_types",
    "DatedConversionRate": "dated_conversion_rates",
}  # fmt: skip
PARENTS = {
    "OpportunityHistory": "OpportunityId",
    "LeadHistory": "LeadId",
    "ContactHistory": "ContactId",
    "OpportunityFieldHistory": "OpportunityId",
}
TRACKED = {"Lead": "LeadHistory", "Contact": "ContactHistory", "Opportunity": "OpportunityFieldHistory"}
MULTI_CURRENCY_ONLY = ("CurrencyType", "DatedConversionRate")
NOT_IN_BULK = frozenset({"OpportunityStage", "LeadStatus", "TaskStatus"})
# What the vendor lets nobody filter on.
UNFILTERABLE_TYPES = frozenset({"textarea", "address", "anyType"})
SOURCES = {
    "ORGANIC_SEARCH": "Organic Search", "PAID_SEARCH": "Paid Search", "SOCIAL_MEDIA": "Social Media",
    "REFERRALS": "Referral", "EMAIL_MARKETING": "Email Marketing", "DIRECT_TRAFFIC": "Direct Traffic",
    "OFFLINE": "Purchased List",
}  # fmt: skip
LEAD_STATUSES = (
    "Open - Not Contacted", "Open", "Attempted", "Working", "Connected", "Qualified", "Unqualified", "Bad Timing",
    "Converted",
)  # fmt: skip
TASK_STATUSES = (("Not Started", False), ("Completed", True), ("Canceled", True), ("Deferred", False))
_LABELS = {
    "Status": LEAD_STATUSES, "LeadSource": tuple(SOURCES.values()),
    "StageName": tuple(stage.label for stage in STAGES), "Direction__c": ("Outbound", "Inbound"),
    "CallType": ("Internal", "Inbound", "Outbound"), "TaskSubtype": ("Task", "Email", "ListEmail", "Cadence", "Call"),
    "Type": ("New Business", "Existing Business"),
    "Outcome__c": ("Scheduled", "Completed", "No Show", "Canceled", "Rescheduled"),
}  # fmt: skip
_SOAP = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "date": "xsd:date", "datetime": "xsd:dateTime",
    "double": "xsd:double", "currency": "xsd:double", "percent": "xsd:double", "int": "xsd:int",
    "address": "urn:address", "anyType": "xsd:anyType",
}  # fmt: skip
_LENGTHS = {"id": 18, "reference": 18, "textarea": 32000, "email": 80, "phone": 40, "url": 255, "picklist": 255,
            "string": 255}  # fmt: skip
_COMPOUNDS = {
    "Address": ("Street", "City", "PostalCode", "Country"),
    "MailingAddress": ("MailingStreet", "MailingCity"),
    "BillingAddress": ("BillingStreet", "BillingCity"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object."""

    name: str
    type: str
    references: tuple[str, ...] = ()
    is_required: bool = False
    is_calculated: bool = False
    needs_currencies: bool = False

    @property
    def is_compound(self) -> bool:
        """Whether it is made of other fields, so that Bulk refuses it."""
        return self.type == "address"


@cache
def all_fields(object_type: str) -> Mapping[str, Field]:
    """Give every field an object can have, by its name."""
    fields = {}
    for text in _FIELDS[object_type].split():
        name, kind = text.split(":")
        type_name, _, targets = kind.rstrip("!*$").partition(">")
        fields[name] = Field(
            name,
            type_name,
            tuple(targets.split(",")) if targets else (),
            is_required="!" in kind,
            is_calculated="*" in kind,
            needs_currencies="$" in kind,
        )
    return fields


def object_named(name: str) -> str | None:
    """Find an object by its name or ours, in any case."""
    wanted = name.lower()
    for object_type in _FIELDS:
        if wanted in (object_type.lower(), NAMES.get(object_type)):
            return object_type
    return None


def rest_datetime(instant: datetime) -> str:
    """Write an instant as REST does: without a colon in the zone."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def rest_value(value: Any) -> Any:
    """Give a value as it stands in a REST answer."""
    if isinstance(value, datetime):
        return rest_datetime(value)
    return value.isoformat() if isinstance(value, date) else value


def csv_value(value: Any) -> str:
    """Write a value into a cell of a Bulk result."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    shown = rest_value(value)
    return shown if isinstance(shown, str) else json.dumps(shown)


def describe(object_type: str, fields: Mapping[str, Field], version: str, base_url: str) -> dict[str, Any]:
    """Describe an object with all its fields."""
    return {
        **_summary(object_type, version),
        "actionOverrides": [],
        "childRelationships": [],
        "compactLayoutable": True,
        "fields": [_describe_field(object_type, field) for field in fields.values()],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {object_type}s", "name": "everything"}],
        "urls": {
            **_urls(object_type, version),
            "uiDetailTemplate": f"{base_url}/{{ID}}",
            "uiEditTemplate": f"{base_url}/{{ID}}/e",
            "uiNewRecord": f"{base_url}/{PREFIXES[object_type]}/e",
        },
    }


def summary(object_type: str, version: str) -> dict[str, Any]:
    """Describe an object as the list of objects does, without fields."""
    return {**_summary(object_type, version), "urls": _urls(object_type, version)}


def _summary(object_type: str, version: str) -> dict[str, Any]:
    is_data = object_type in ("Lead", "Contact", "Account", "Opportunity", "Task", "Event")
    shared = (
        "createable",
        "deletable",
        "feedEnabled",
        "layoutable",
        "searchable",
        "triggerable",
        "undeletable",
    )
    return {
        "activateable": False,
        **dict.fromkeys(shared, is_data),
        "custom": False,
        "customSetting": False,
        "deprecatedAndHidden": False,
        "hasSubtypes": False,
        "isSubtype": False,
        "keyPrefix": PREFIXES[object_type],
        "label": object_type,
        "labelPlural": f"{object_type}s",
        "mergeable": object_type in ("Lead", "Contact", "Account"),
        "mruEnabled": is_data,
        "name": object_type,
        "queryable": True,
        "replicateable": object_type not in PARENTS,
        "retrieveable": True,
        "searchLayoutable": is_data,
        "updateable": is_data,
    }  # fmt: skip


def _urls(object_type: str, version: str) -> dict[str, str]:
    sobject = f"/services/data/v{version}/sobjects/{object_type}"
    return {"rowTemplate": f"{sobject}/{{ID}}", "describe": f"{sobject}/describe", "sobject": sobject}


def _describe_field(object_type: str, field: Field) -> dict[str, Any]:
    is_number = field.type in ("double", "currency", "percent")
    length = _LENGTHS.get(field.type, 0)
    is_custom = field.name.endswith("__c")
    is_filterable = field.type not in UNFILTERABLE_TYPES
    compound = next((whole for whole, parts in _COMPOUNDS.items() if field.name in parts), None)
    if field.name in ("FirstName", "LastName") and "FirstName" in all_fields(object_type):
        compound = "Name"
    is_written = not (field.is_calculated or field.name in all_fields("Group") or field.name.startswith("Is"))
    labels = _LABELS.get(field.name, ()) if field.type == "picklist" else ()
    if object_type == "Task" and field.name == "Status":
        labels = tuple(name for name, _ in TASK_STATUSES)
    return {
        "aggregatable": is_filterable, "autoNumber": False, "byteLength": length * (1 if length == 18 else 3),
        "calculated": field.is_calculated,
        "calculatedFormula": "TODAY() - DATEVALUE(CreatedDate)" if field.is_calculated else None,
        "cascadeDelete": False, "caseSensitive": False, "compoundFieldName": compound, "controllerName": None,
        "createable": is_written, "custom": is_custom, "defaultValue": False if field.type == "boolean" else None,
        "defaultValueFormula": None, "defaultedOnCreate": field.type in ("id", "boolean", "datetime"),
        "dependentPicklist": False, "deprecatedAndHidden": False, "digits": 9 if field.type == "int" else 0,
        "displayLocationInDecimal": False, "encrypted": False, "externalId": False,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None, "filterable": is_filterable,
        "filteredLookupInfo": None, "formulaTreatNullNumberAsZero": False,
        "groupable": is_filterable and not is_number, "highScaleNumber": False, "htmlFormatted": False,
        "idLookup": field.type == "id", "inlineHelpText": None, "label": field.name.removesuffix("__c"),
        "length": length, "mask": None, "maskType": None, "name": field.name,
        "nameField": field.name in ("Name", "MasterLabel"), "namePointing": len(field.references) > 1,
        "nillable": not field.is_required, "permissionable": not field.is_required, "picklistValues": [
            {"active": True, "defaultValue": False, "label": label, "validFor": None, "value": label}
            for label in labels
        ],
        "polymorphicForeignKey": len(field.references) > 1, "precision": 18 if is_number else 0,
        "queryByDistance": False, "referenceTargetField": None, "referenceTo": list(field.references),
        "relationshipName": field.name.removesuffix("Id") if field.references else None,
        "relationshipOrder": None, "restrictedDelete": False, "restrictedPicklist": False,
        "scale": 2 if is_number else 0, "searchPrefilterable": False, "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": is_filterable, "type": field.type, "unique": False, "updateable": is_written,
        "writeRequiresMasterRead": False,
    }  # fmt: skip
