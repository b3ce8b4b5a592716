{{ config(materialized='table') }}

-- Days to won, with lost as a competing event (Aalen-Johansen): of deals by the month of creation, and of hand-overs by
-- the month of qualification. The median is the day on which half of the customers the cohort will bring had been won;
-- the mean of the won deals so far would favour the quick ones.
with

int_deal_outcomes as (
    select * from {{ ref('int_deal_outcomes') }}
),

int_handover_ends as (
    select * from {{ ref('int_handover_ends') }}
),

clocked as (
    select
        'created' as clock,
        source,
        rep_id,
        created_month as month,
        cycle_days,
        status
    from int_deal_outcomes
    where created_month is not null and has_losses and cycle_days >= 0
    union all by name
    select
        'qualified' as clock,
        source,
        rep_id,
        qualified_month as month,
        cycle_days,
        status
    from int_handover_ends
    where has_losses and cycle_days >= 0
),

sliced as (
    select
        clock,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value,
        month,
        cycle_days,
        status
    from clocked
)

select *
from {{ won_cycle('sliced', ['clock', 'slice_type', 'slice_value', 'month'], 'cycle_days', 'status') }} as cycles
