{{ config(materialized='table') }}

-- How and when a hand-over ended: at the first won deal; when it was sent back or its last deal was lost; or not yet.
with

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
    where link_confidence >= 0.85
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

deals as (
    select
        cycle_id,
        count(*) as deal_count,
        count(case when status = 'lost' then 1 end) as lost_count,
        max(lost_at) as last_lost_at
    from fct_deal
    where cycle_id is not null
    group by cycle_id
),

ends as (
    select
        int_handover_outcomes.source,
        int_handover_outcomes.rep_id,
        int_handover_outcomes.qualified_month,
        int_source_capabilities.has_losses,
        fct_handover.cycle_id,
        fct_handover.qualified_at,
        case
            when fct_handover.customer_at is not null then 'won'
            when deals.lost_count = deals.deal_count then 'lost'
            when deals.deal_count is null and fct_handover.rejected_at is not null then 'lost'
            else 'open'
        end as status,
        case
            when fct_handover.customer_at is not null then fct_handover.customer_at
            when deals.lost_count = deals.deal_count then deals.last_lost_at
            when deals.deal_count is null and fct_handover.rejected_at is not null then fct_handover.rejected_at
            else {{ as_of() }}
        end as ended_at
    from int_handover_outcomes
    inner join fct_handover on int_handover_outcomes.cycle_id = fct_handover.cycle_id
    left join deals on fct_handover.cycle_id = deals.cycle_id
    left join int_source_capabilities on fct_handover.source_crm = int_source_capabilities.source_crm
)

select
    cycle_id,
    source,
    rep_id,
    qualified_month,
    status,
    (epoch(ended_at) - epoch(qualified_at)) / 86400.0 as cycle_days,
    coalesce(has_losses, false) as has_losses
from ends
