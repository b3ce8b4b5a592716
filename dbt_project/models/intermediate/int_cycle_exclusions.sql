with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

rules as (
    select * from {{ ref('stg_config__exclusion_rules') }}
)

-- The first rule that hits is the reason; the lead is shown as excluded, never gone.
select
    cycles.cycle_id,
    rules.rule_id,
    rules.reason as excluded_reason
from cycles
inner join records on cycles.lead_id = records.lead_id
inner join rules
    on
        (
            rules.field = 'source'
            and lower(rules.field_value) in (lower(records.source), lower(records.source_value))
        )
        or (
            rules.field = 'lead_id'
            and rules.field_value in (cycles.lead_id, split_part(cycles.lead_id, ':', 2))
        )
qualify row_number() over (partition by cycles.cycle_id order by rules.rule_id) = 1
