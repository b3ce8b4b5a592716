{{ config(materialized='table') }}

-- When the last hope of a customer went: every deal of the cycle is lost, or the hand-over was sent back and no deal is
-- left. A customer lost later is no loss here.
with

deal_cycles as (
    select * from {{ ref('int_deal_cycles') }}
    where link_confidence >= 0.85
),

int_deals as (
    select * from {{ ref('int_deals') }}
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

deals as (
    select
        deal_cycles.cycle_id,
        bool_or(int_deals.status <> 'lost') as has_hope,
        max(int_deals.lost_at) as lost_at
    from deal_cycles
    inner join int_deals on deal_cycles.deal_id = int_deals.deal_id
    group by deal_cycles.cycle_id
),

rejections as (
    select
        cycle_id,
        rejected_at
    from fct_handover
    where rejected_at <= {{ as_of() }}
),

losses as (
    select
        coalesce(deals.cycle_id, rejections.cycle_id) as cycle_id,
        -- greatest() of an instant and NULL is the instant.
        greatest(deals.lost_at, rejections.rejected_at) as lost_at
    from deals
    full outer join rejections on deals.cycle_id = rejections.cycle_id
    where not coalesce(deals.has_hope, false)
)

select * from losses
