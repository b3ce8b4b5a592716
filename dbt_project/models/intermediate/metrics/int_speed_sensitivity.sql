{{ config(materialized='table') }}

{%- set groups = ['slice_type', 'slice_value', 'month', 'reading'] %}

-- What the median follow-up of inbound leads would be if the conversions nobody logged an attempt for had been answered
-- at once (low), or only when they converted (high). The truth lies between; int_speed_estimates leaves them out.
with

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where motion = 'inbound' and is_counted and has_lead_speed
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

unlogged as (
    select
        int_cycle_outcomes.cycle_id,
        fct_lead_cycle.entered_at,
        coalesce(fct_lead_cycle.qualified_at, fct_lead_cycle.customer_at) as converted_at
    from int_cycle_outcomes
    inner join fct_lead_cycle on int_cycle_outcomes.cycle_id = fct_lead_cycle.cycle_id
    where int_cycle_outcomes.is_unlogged and fct_lead_cycle.entered_precision = 'instant'
),

points as (
    select
        cycle_id,
        unnest(['entered', 'converted']) as clock_point,
        unnest([entered_at, converted_at]) as reached_at
    from unlogged
),

clocks as (
    select
        points.cycle_id,
        points.clock_point,
        {{ worked_minutes('points.reached_at') }} as worked_minutes
    from points
    asof left join int_working_intervals on points.reached_at >= int_working_intervals.start_utc
),

conversions as (
    select
        cycle_id,
        greatest(
            0.0,
            max(case when clock_point = 'converted' then worked_minutes end)
            - max(case when clock_point = 'entered' then worked_minutes end)
        ) as converted_wm
    from clocks
    group by cycle_id
),

waits as (
    select
        source,
        rep_id,
        cohort_month as month,
        unnest(['low', 'high']) as reading,
        speed_time_wm as minutes,
        is_speed_event as is_answered
    from int_cycle_outcomes
    where is_speed_eligible
    union all by name
    select
        int_cycle_outcomes.source,
        int_cycle_outcomes.rep_id,
        int_cycle_outcomes.cohort_month as month,
        unnest(['low', 'high']) as reading,
        unnest([0.0, conversions.converted_wm]) as minutes,
        true as is_answered
    from conversions
    inner join int_cycle_outcomes on conversions.cycle_id = int_cycle_outcomes.cycle_id
),

sliced as (
    select
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value,
        month,
        reading,
        minutes,
        is_answered
    from waits
),

medians as (
    select
        slice_type,
        slice_value,
        month,
        max(case when reading = 'low' then median end) as median_low_wm,
        max(case when reading = 'high' then median end) as median_high_wm
    from {{ kaplan_meier_summary('sliced', groups, 'minutes', 'is_answered', '2400.0') }} as km
    group by slice_type, slice_value, month
)

select * from medians
