"""Odoo's dialect: JSON-2 (19) and JSON-RPC over one database, as spec/crm-apis.md sections 4.4 and 4.7 tell it.

What the invented company's log becomes here:

| in the log                       | in Odoo                                                                        |
|----------------------------------|--------------------------------------------------------------------------------|
| contact made                     | `crm.lead` of type lead; `source_id`; `medium_id` Website (form), Import, none |
| a form of a known contact        | one more lead, same e-mail and partner, made by OdooBot, medium Website        |
| owner; the queue                 | `user_id` of the newest lead; the queue is no salesperson                      |
| lead status                      | stage Nieuw, In behandeling, Contact gehad of the newest lead                  |
| unqualified, bad timing          | lost with that reason: `active` false, probability 0, the stage stays          |
| status after that                | restored, then the stage                                                       |
| qualified (lifecycle); withdrawn | stage Gekwalificeerd; back to the stage it had                                 |
| deal with a contact              | its active lead becomes the opportunity (same id); if it has none, a new row   |
| person of several rows           | `partner_id` (made with the first deal) and `email_from` are the same          |
| stage, won, lost, amount, close  | `stage_id`, the won stage, lost, `expected_revenue` (euros), `date_deadline`   |
| new or existing business         | `tag_ids`                                                                      |
| merge                            | the surest row stays, the other contacts' leads are unlinked; all deals stay   |
| contact archived, restored       | its leads `active` false without a reason or probability 0, and back           |
| contact erased                   | its leads are unlinked, its opportunities lose name, e-mail and partner        |
| deal archived; deleted           | `active` false without a reason; unlinked                                      |
| call                             | `mail.message`: `mail_activity_type_id` by outcome and direction, `date` when  |
|                                  | it happened, its length in the body; one called off leaves nothing             |
| e-mail                           | `mail.message`: `comment` with subtype Discussions (sent), `email` (received), |
|                                  | `auto_comment` (a workflow's)                                                  |
| WhatsApp, SMS; LinkedIn, note    | `mail.message`: `whatsapp_message`, `sms`; `comment` with subtype Note         |
| meeting                          | `calendar.event` and a planned `mail.activity`                                 |
| held                             | activity done, message of type Meeting, "Feedback: Gehouden" on the event      |
| not shown up; called off         | event archived, activity gone; event unlinked                                  |
| task                             | `mail.activity` To-Do; done: deleted (17) or archived (19), a message stays    |
| owner leaves                     | user `active` false                                                            |

Subtypes follow Odoo: an archived row's message is called Opportunity Lost just as a lost one's is.

What Odoo can't say: the currency of a deal, an amount nobody filled in (it reads 0.0), further
contacts of a deal, a merge, an unlinked row.
"""

from leadrole.sandbox.odoo.account import OBJECTS, Account
from leadrole.sandbox.odoo.catalog import (
    ACTIVITY_TYPES,
    Settings,
    activity_id,
    contact_partner_id,
    event_id,
    form_lead_id,
    lead_id,
    lead_stage_id,
    message_id,
    opportunity_id,
    stage_id,
    user_id,
    user_partner_id,
)
from leadrole.sandbox.odoo.ledger import contacts, ledger, opportunities
from leadrole.sandbox.odoo.schema import field_ids, schema
from leadrole.sandbox.odoo.transactions import transactions

__all__ = [
    "ACTIVITY_TYPES",
    "OBJECTS",
    "Account",
    "Settings",
    "activity_id",
    "contact_partner_id",
    "contacts",
    "event_id",
    "field_ids",
    "form_lead_id",
    "lead_id",
    "lead_stage_id",
    "ledger",
    "message_id",
    "opportunities",
    "opportunity_id",
    "schema",
    "stage_id",
    "transactions",
    "user_id",
    "user_partner_id",
]
