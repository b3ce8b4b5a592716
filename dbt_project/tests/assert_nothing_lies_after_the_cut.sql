-- A figure of tonight must not know what happens tomorrow.
select
    cycle_id as row_id,
    'fct_lead_cycle' as mart
from {{ ref('fct_lead_cycle') }}
where greatest(entered_at, qualified_at, first_attempt_at, first_contact_at, customer_at, closed_at) > as_of_utc
union all by name
select
    touch_id as row_id,
    'fct_touch' as mart
from {{ ref('fct_touch') }}
where at_utc > as_of_utc and result <> 'none'
union all by name
select
    deal_id as row_id,
    'fct_deal' as mart
from {{ ref('fct_deal') }}
where greatest(won_at, lost_at) > as_of_utc
