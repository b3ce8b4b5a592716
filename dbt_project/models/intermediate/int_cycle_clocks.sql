{{ config(materialized='table') }}

with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

responses as (
    select * from {{ ref('int_cycle_responses') }}
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

points as (
    select
        cycle_id,
        'entered' as clock_point,
        entered_at as reached_at
    from cycles
    union all by name
    select
        cycle_id,
        'qualified' as clock_point,
        qualified_at as reached_at
    from cycles
    union all by name
    select
        cycle_id,
        'attempt' as clock_point,
        first_attempt_at as reached_at
    from responses
    union all by name
    select
        cycle_id,
        'contact' as clock_point,
        first_contact_at as reached_at
    from responses
    union all by name
    select
        cycle_id,
        'cut' as clock_point,
        {{ as_of() }} as reached_at
    from cycles
),

read as (
    select
        points.cycle_id,
        points.clock_point,
        {{ worked_minutes('points.reached_at') }} as worked_minutes,
        {{ worked_days('points.reached_at') }} as worked_days
    from points
    asof left join int_working_intervals on points.reached_at >= int_working_intervals.start_utc
    where points.reached_at is not null
)

select
    cycle_id,
    max(worked_minutes) filter (where clock_point = 'entered') as entered_minutes,
    max(worked_minutes) filter (where clock_point = 'qualified') as qualified_minutes,
    max(worked_minutes) filter (where clock_point = 'attempt') as attempt_minutes,
    max(worked_minutes) filter (where clock_point = 'contact') as contact_minutes,
    max(worked_minutes) filter (where clock_point = 'cut') as cut_minutes,
    max(worked_days) filter (where clock_point = 'entered') as entered_days,
    max(worked_days) filter (where clock_point = 'cut') as cut_days
from read
group by cycle_id
