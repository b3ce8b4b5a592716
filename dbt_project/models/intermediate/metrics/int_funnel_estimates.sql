{{ config(materialized='table') }}

{%- set groups = ['period_type', 'entered_month', 'motion', 'source', 'stage', 'window_days'] %}

-- The share of a funnel's leads that reach a stage within its window, open ones censored and closed ones competing.
with

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where is_in_funnel
),

qualifying as (
    select
        'qualified' as stage,
        entered_month,
        motion,
        source,
        qualified_days as days,
        is_qualified as is_event,
        is_closed_unqualified as is_competing
    from int_cycle_outcomes
    where has_qualification
),

buying as (
    select
        'customer' as stage,
        entered_month,
        motion,
        source,
        customer_days as days,
        is_customer as is_event,
        is_lost as is_competing
    from int_cycle_outcomes
    where has_won_deals
),

samples as (
    select * from qualifying
    union all by name
    select * from buying
),

sliced as (
    select
        unnest(['month', 'month', 'month', 'month', 'all', 'all', 'all', 'all']) as period_type,
        unnest([motion, motion, 'all', 'all', motion, motion, 'all', 'all']) as motion,
        unnest([source, 'all', source, 'all', source, 'all', source, 'all']) as source,
        * exclude (motion, source)
    from samples
),

-- Both motions together are judged at the longer of their windows.
windowed as (
    select
        period_type,
        case when period_type = 'month' then entered_month end as entered_month,
        motion,
        source,
        stage,
        case
            when stage = 'customer' then {{ var('w_close_days') }}
            when motion = 'inbound' then {{ var('w_inbound_days') }}
            when motion = 'outbound' then {{ var('w_outbound_days') }}
            else {{ [var('w_inbound_days'), var('w_outbound_days')] | max }}
        end as window_days,
        days,
        is_event,
        is_competing
    from sliced
),

estimates as (
    select *
    from {{ aalen_johansen_at('windowed', groups, 'days', 'is_event', 'is_competing', 'window_days') }} as aj
)

select * from estimates
