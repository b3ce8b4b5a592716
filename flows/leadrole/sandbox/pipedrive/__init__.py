"""Pipedrive's dialect: two APIs on one host, as spec/crm-apis.md section 3 describes them.

What the invented company's log becomes here:

| in the log | in Pipedrive |
|---|---|
| contact made | person and organization (its mail domain), and a lead: web form, import or made by hand |
| a form of a known contact | one more lead of the same person; a person's *current* lead is its newest live one |
| source | `channel` of the lead, and of the deal that comes of it: an option of the field `channel` |
| owner | `owner_id` of the person and of its current lead; nobody: the queue's user (every record needs an owner) |
| lead status | label of the current lead and of the person; Unqualified and Bad timing also archive the lead |
| lifecycle | custom option field of the person (with a changelog) and of the current lead (without one) |
| contact archived, restored | its live leads are archived, and taken out of the archive |
| contact erased | person and leads are gone; deals and activities stay without a person |
| merge | the first person stays with its own id, the others vanish; leads, deals and activities move to it |
| deal with a contact | the current lead of the first contact vanishes; `source_lead_id` names it, activities move along |
| further contacts of a deal | participants, which leave `update_time` alone |
| stage | stages 1 to 4 of pipeline 1; won and lost are statuses, the stage stays where it was |
| amount, close date, owner | `value`, `expected_close_date`, `owner_id`, each with its entry in the deal's history |
| deal archived; deleted (`Script.delete_deal`) | `is_archived`, in a list of its own; status `deleted` for 30 days |
| call | activity: `call` when someone was spoken to, `call_no_answer` and so on when not, `call_in` when they called |
| e-mail | activity `email`, `email_in` for one received; those a workflow sends leave no activity |
| meeting | activity `meeting`, done when held; `meeting_no_show`; one that was called off is deleted |

What Pipedrive can't say: when a lead was labelled (the person's changelog says it), and automated mail.
"""

from leadrole.sandbox.pipedrive.account import Account, cost
from leadrole.sandbox.pipedrive.ledger import ledger
from leadrole.sandbox.pipedrive.records import (
    Settings,
    activity_id,
    change_id,
    deal_id,
    label_id,
    lead_id,
    organization_id,
    person_id,
    stage_id,
    user_id,
)

__all__ = [
    "Account",
    "Settings",
    "activity_id",
    "change_id",
    "cost",
    "deal_id",
    "label_id",
    "lead_id",
    "ledger",
    "organization_id",
    "person_id",
    "stage_id",
    "user_id",
]
