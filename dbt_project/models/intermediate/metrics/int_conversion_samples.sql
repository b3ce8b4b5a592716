{{ config(materialized='table') }}

-- One wait per row and metric, ready for Aalen-Johansen: days from the start of the cohort until the conversion, until
-- it became impossible (disqualified, expired, lost), or until the cut.
with

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

leads as (
    select
        case motion when 'inbound' then 'lead_to_qualified' else 'prospect_to_qualified' end as metric,
        case
            when motion = 'inbound' then {{ var('w_inbound_days') }}
            else {{ var('w_outbound_days') }}
        end as window_days,
        source,
        rep_id,
        cohort_month as month,
        qualified_days as days,
        is_qualified as is_event,
        is_closed_unqualified as is_competing
    from int_cycle_outcomes
    where is_counted and has_qualification
),

handovers as (
    select
        'lead_to_customer' as metric,
        {{ var('w_close_days') }} as window_days,
        source,
        rep_id,
        qualified_month as month,
        customer_days as days,
        is_customer as is_event,
        is_lost as is_competing
    from int_handover_outcomes
    where has_won_deals
),

samples as (
    select * from leads
    union all by name
    select * from handovers
)

select * from samples
