"""A pretend Salesforce org: `Org` is the dialect for `serve(..., dialect=Org)`, `ledger` the truth of its records.

How the company of the event log is told in Salesforce's objects:

| in the log | in the org |
|---|---|
| contact | Lead; from its first deal, or from being a customer, also Contact and Account (IsConverted) |
| lifecycle stage, lead status | Lead.Status: "Qualified" while the stage is one; "Converted" is final |
| source; origin | LeadSource; a form leaves Last_Form__c = CreatedDate, a list CreatedById and tied stamps |
| form of a known contact | Last_Form__c of the Lead or Contact |
| owner, queue, nobody | OwnerId: User, Group (queue), the queue "Niet toegewezen" |
| deal | Opportunity; a closed one has the local day as CloseDate |
| contact of a deal | Lead.ConvertedOpportunityId for the deal that converted it; OpportunityContactRole for each |
| call, e-mail | Task (TaskSubtype Call or Email); Happened_At__c and Direction__c; automated: owned by that user |
| meeting | Event, Outcome__c |
| task; message | Task, not closed until it is done; Task (subtype Task) with the channel as Subject |
| contact or deal of an activity | WhoId (the Contact once converted), WhatId |
| merge | the first record is the master and keeps its id; a lead is converted into a contact among them |
| archive, restore | into the bin (IsDeleted) with the records that are the same person, and out again |
| erasure | gone at once, WhoId of the activities null |
| changes | OpportunityHistory always; LeadHistory, ContactHistory, OpportunityFieldHistory where tracked |

Automatic changes of a lead's owner are `ownerAssignment` rows in LeadHistory, others `Owner`; both come twice,
with names and with ids. What Salesforce can't hold is lost: statuses of converted leads, a second person of an
activity, notes, fractions of seconds, a restore after the bin was emptied.
"""

from leadrole.sandbox.salesforce.ids import (
    account_id,
    contact_id,
    contact_role_id,
    event_id,
    group_id,
    lead_id,
    opportunity_id,
    task_id,
    user_id,
)
from leadrole.sandbox.salesforce.org import Org
from leadrole.sandbox.salesforce.records import ledger
from leadrole.sandbox.salesforce.tokens import CLIENT_ID, CLIENT_SECRET, JWT_GRANT, REFRESH_TOKEN, USERNAME
from leadrole.sandbox.salesforce.world import World

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "JWT_GRANT",
    "REFRESH_TOKEN",
    "USERNAME",
    "Org",
    "World",
    "account_id",
    "contact_id",
    "contact_role_id",
    "event_id",
    "group_id",
    "lead_id",
    "ledger",
    "opportunity_id",
    "task_id",
    "user_id",
]
