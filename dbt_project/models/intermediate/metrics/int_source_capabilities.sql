{{ config(materialized='table') }}

-- What each CRM records at all. A metric whose events a CRM never records is not measurable there, which is
-- something else than zero: an export of leads and won deals has no lost deals, not a win rate of 100 %.
with

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

fct_touch as (
    select * from {{ ref('fct_touch') }}
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

cycles as (
    select
        source_crm,
        count(*) as cycle_count,
        count(qualified_at) as qualified_count,
        count(case when qualified_at is not null or customer_at is not null then 1 end) as converted_count,
        count(
            case when is_unlogged and (qualified_at is not null or customer_at is not null) then 1 end
        ) as unlogged_count,
        count(case when motion_first = 'inbound' then 1 end) as inbound_count,
        count(case when motion_first = 'inbound' and is_speed_eligible then 1 end) as timed_count
    from fct_lead_cycle
    where excluded_reason is null
    group by source_crm
),

touches as (
    select
        source_crm,
        count(case when is_human_attempt then 1 end) as attempt_count
    from fct_touch
    group by source_crm
),

deals as (
    select
        source_crm,
        count(*) as deal_count,
        count(created_at) as dated_count,
        count(case when status = 'won' then 1 end) as won_count,
        count(case when status = 'lost' then 1 end) as lost_count,
        count(case when status = 'won' and amount_reporting is not null then 1 end) as valued_count
    from fct_deal
    group by source_crm
),

sources as (
    select source_crm from cycles
    union
    select source_crm from touches
    union
    select source_crm from deals
),

recorded as (
    select
        sources.source_crm,
        coalesce(cycles.qualified_count, 0) > 0 as has_qualification,
        coalesce(touches.attempt_count, 0) > 0 as has_touches,
        coalesce(deals.won_count, 0) > 0 as has_won_deals,
        coalesce(deals.won_count, 0) > 0 and coalesce(deals.lost_count, 0) > 0 as has_losses,
        coalesce(deals.valued_count, 0) > 0 as has_amounts,
        coalesce(deals.dated_count, 0) > 0 as has_deal_dates,
        coalesce(touches.attempt_count, 0) > 0
        and not (
            coalesce(cycles.converted_count, 0) >= {{ var('min_n_rate') }}
            and cycles.unlogged_count > 0.30 * cycles.converted_count
        ) as has_speed,
        coalesce(cycles.inbound_count, 0) = 0 or cycles.timed_count > 0 as has_entry_times
    from sources
    left join cycles on sources.source_crm = cycles.source_crm
    left join touches on sources.source_crm = touches.source_crm
    left join deals on sources.source_crm = deals.source_crm
),

capabilities as (
    select
        * exclude (has_entry_times),
        -- Bare dates of entry cannot show how fast a lead was followed up.
        has_speed and has_entry_times as has_lead_speed
    from recorded
)

select * from capabilities
