with

rule_hits as (
    select * from {{ ref('int_cycle_rule_hits') }}
)

-- The first rule that hits is the reason; the lead is shown as excluded, never gone.
select
    cycle_id,
    rule_id,
    reason as excluded_reason
from rule_hits
qualify row_number() over (partition by cycle_id order by rule_id) = 1
