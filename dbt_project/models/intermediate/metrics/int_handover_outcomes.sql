{{ config(materialized='table') }}

with

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_cycle_losses as (
    select * from {{ ref('int_cycle_losses') }}
),

outcomes as (
    select
        fct_handover.cycle_id,
        fct_handover.source_crm,
        fct_handover.motion_first as motion,
        coalesce(fct_handover.source, 'unknown') as source,
        coalesce(fct_handover.closer_rep_id, 'unassigned') as rep_id,
        fct_handover.qualified_month,
        fct_handover.speed_time_wm,
        {{ days_between(
            'fct_handover.qualified_at', 'coalesce(fct_handover.customer_at, int_cycle_losses.lost_at, '
            ~ as_of() ~ ')'
        ) }} as customer_days,
        fct_handover.customer_at is not null as is_customer,
        fct_handover.customer_at is null and int_cycle_losses.lost_at is not null as is_lost,
        fct_handover.qualified_at + to_days({{ var('w_close_days') }}) <= {{ as_of() }} as is_old_enough,
        coalesce(
            fct_handover.customer_at <= fct_handover.qualified_at + to_days({{ var('w_close_days') }}), false
        ) as is_customer_in_window,
        fct_handover.qualifier_rep_id is not null and fct_handover.closer_rep_id is not null as is_pair_known,
        coalesce(fct_handover.is_self_handover, false) as is_self_handover,
        -- The closer has ten working days to send a hand-over back.
        fct_handover.age_working_days >= 10 as is_due_for_acceptance,
        fct_handover.accepted_at is not null as is_accepted,
        coalesce(fct_lead_cycle.won_deal_count, 0) as won_deal_count,
        fct_handover.is_speed_event,
        fct_handover.speed_time_wm is not null as is_speed_eligible,
        coalesce(int_source_capabilities.has_won_deals, false) as has_won_deals,
        coalesce(int_source_capabilities.has_touches, false) as has_touches,
        coalesce(int_source_capabilities.has_speed, false) as has_speed
    from fct_handover
    left join fct_lead_cycle on fct_handover.cycle_id = fct_lead_cycle.cycle_id
    left join int_source_capabilities on fct_handover.source_crm = int_source_capabilities.source_crm
    left join int_cycle_losses on fct_handover.cycle_id = int_cycle_losses.cycle_id
    where
        fct_lead_cycle.excluded_reason is null
        and fct_handover.qualified_at <= {{ as_of() }}
)

select * from outcomes
