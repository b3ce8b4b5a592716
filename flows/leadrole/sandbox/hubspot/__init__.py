"""HubSpot: the account's answers (`Account`), and the truth an extraction of it is compared with (`ledger`).

How the company of the log stands in a HubSpot account:

| in the log                                | in HubSpot                                                              |
|-------------------------------------------|-------------------------------------------------------------------------|
| contact made (form, list, by hand)        | contact; company by the domain of its address; with `has_leads` a lead  |
| form sent again                           | `recent_conversion_date`; a new lead if the last one is closed          |
| lifecycle stage                           | `lifecyclestage`; qualified ones move the lead to `qualified-stage-id`  |
| lead status                               | `hs_lead_status`; moves the lead (not out of qualified, unless it fell) |
| owner of the contact                      | `hubspot_owner_id`; a workflow copies it to the current lead            |
| merge into a third contact                | new id, `hs_merged_object_ids`; leads get the new primary contact       |
| contact archived, restored, forgotten     | archived list for 90 days, back, gone; leads go along                   |
| deal with contacts, stage, amount, dates  | deal; linked to the contacts' companies, the first one Primary          |
| call, e-mail, meeting, task, message, note| object of that type; linked to contact, deal, the lead and company then |
| owner leaves                              | owner archived, `userId` null                                           |
| association added or removed              | that and no date                                                        |

Ids are those of the log plus `id_offset`; `lead_id` and `company_id` tell the others. A lead's stage says in
its metadata whether it is closed, as a deal's does; real portals are said to add `leadState`, which is to be
checked against one.
"""

from leadrole.sandbox.hubspot.account import Account
from leadrole.sandbox.hubspot.answers import Refusal
from leadrole.sandbox.hubspot.catalog import (
    ASSOCIATION_TYPES,
    LEAD_PIPELINE_ID,
    LEAD_STAGES,
    PRIMARY_TYPES,
    PROPERTIES,
    TYPE_NAMES,
)
from leadrole.sandbox.hubspot.derived import company_id, lead_id
from leadrole.sandbox.hubspot.ledger import ledger
from leadrole.sandbox.hubspot.world import RATES, record_id

__all__ = [
    "ASSOCIATION_TYPES",
    "LEAD_PIPELINE_ID",
    "LEAD_STAGES",
    "PRIMARY_TYPES",
    "PROPERTIES",
    "RATES",
    "TYPE_NAMES",
    "Account",
    "Refusal",
    "company_id",
    "lead_id",
    "ledger",
    "record_id",
]
