{{ config(materialized='table') }}

-- Acquisition week by week: touches, new prospects, active days (at least min_new_touches touches), and the longest run
-- of working days without an active one that reaches into the week, counted from where it began.
with

int_outbound_touches as (
    select * from {{ ref('int_outbound_touches') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
    where date_day <= {{ local_date(as_of()) }}
),

rep_days as (
    select * from {{ ref('int_rep_days') }}
),

calendar_days as (
    select
        'company' as calendar,
        date_day,
        is_working_day
    from dim_date
    union all by name
    select
        rep_id as calendar,
        date_day,
        is_working_day
    from rep_days
),

own_calendars as (
    select distinct rep_id from rep_days
),

sliced as (
    select
        at_local_date,
        is_new_prospect,
        is_reactivated_prospect,
        unnest(['role', 'rep']) as scope_type,
        unnest(['outbound', rep_id]) as scope_value
    from int_outbound_touches
),

scopes as (
    select
        sliced.scope_type,
        sliced.scope_value,
        coalesce(own_calendars.rep_id, 'company') as calendar,
        cast(date_trunc('week', min(sliced.at_local_date)) as date) as first_week
    from sliced
    left join own_calendars on sliced.scope_type = 'rep' and sliced.scope_value = own_calendars.rep_id
    group by sliced.scope_type, sliced.scope_value, own_calendars.rep_id
),

working_days as (
    select
        calendar,
        date_day,
        cast(date_trunc('week', date_day) as date) as week_start,
        row_number() over (partition by calendar order by date_day) as day_no
    from calendar_days
    where is_working_day
),

-- A week of holidays has no working day and is a week all the same.
calendar_weeks as (
    select
        calendar_days.calendar,
        cast(date_trunc('week', calendar_days.date_day) as date) as week_start,
        count(working_days.day_no) as working_day_count,
        min(working_days.day_no) as first_day_no,
        max(working_days.day_no) as last_day_no
    from calendar_days
    left join working_days
        on calendar_days.calendar = working_days.calendar and calendar_days.date_day = working_days.date_day
    group by calendar_days.calendar, cast(date_trunc('week', calendar_days.date_day) as date)
),

scope_weeks as (
    select
        scopes.scope_type,
        scopes.scope_value,
        calendar_weeks.*
    from scopes
    inner join calendar_weeks
        on scopes.calendar = calendar_weeks.calendar and scopes.first_week <= calendar_weeks.week_start
),

touches as (
    select
        scope_type,
        scope_value,
        cast(date_trunc('week', at_local_date) as date) as week_start,
        count(*) as touch_count,
        count(case when is_new_prospect then 1 end) as new_prospect_count,
        count(case when is_reactivated_prospect then 1 end) as reactivated_count
    from sliced
    group by scope_type, scope_value, cast(date_trunc('week', at_local_date) as date)
),

active_days as (
    select
        sliced.scope_type,
        sliced.scope_value,
        working_days.week_start,
        working_days.day_no
    from sliced
    inner join scopes on sliced.scope_type = scopes.scope_type and sliced.scope_value = scopes.scope_value
    inner join working_days
        on scopes.calendar = working_days.calendar and sliced.at_local_date = working_days.date_day
    group by sliced.scope_type, sliced.scope_value, working_days.week_start, working_days.day_no
    having count(*) >= {{ var('min_new_touches') }}
),

active_weeks as (
    select
        scope_type,
        scope_value,
        week_start,
        count(*) as active_day_count
    from active_days
    group by scope_type, scope_value, week_start
),

-- A run lies between two active days, before the first one, or after the last one.
bounds as (
    select
        scope_type,
        scope_value,
        min(first_day_no) - 1 as day_no
    from scope_weeks
    group by scope_type, scope_value
    union all by name
    select
        scope_type,
        scope_value,
        day_no
    from active_days
),

runs as (
    select
        scope_type,
        scope_value,
        day_no + 1 as run_from,
        lead(day_no) over (partition by scope_type, scope_value order by day_no) - 1 as run_to
    from bounds
),

gaps as (
    select
        scope_weeks.scope_type,
        scope_weeks.scope_value,
        scope_weeks.week_start,
        max(least(coalesce(runs.run_to, scope_weeks.last_day_no), scope_weeks.last_day_no) - runs.run_from + 1)
            as longest_gap_count
    from scope_weeks
    inner join runs
        on
            scope_weeks.scope_type = runs.scope_type
            and scope_weeks.scope_value = runs.scope_value
            and scope_weeks.last_day_no >= runs.run_from
            and scope_weeks.first_day_no <= coalesce(runs.run_to, scope_weeks.last_day_no)
    group by scope_weeks.scope_type, scope_weeks.scope_value, scope_weeks.week_start
)

select
    scope_weeks.scope_type,
    scope_weeks.scope_value,
    scope_weeks.week_start,
    scope_weeks.working_day_count,
    coalesce(touches.touch_count, 0) as touch_count,
    coalesce(touches.new_prospect_count, 0) as new_prospect_count,
    coalesce(touches.reactivated_count, 0) as reactivated_count,
    coalesce(active_weeks.active_day_count, 0) as active_day_count,
    greatest(coalesce(gaps.longest_gap_count, 0), 0) as longest_gap_count
from scope_weeks
left join touches
    on
        scope_weeks.scope_type = touches.scope_type
        and scope_weeks.scope_value = touches.scope_value
        and scope_weeks.week_start = touches.week_start
left join active_weeks
    on
        scope_weeks.scope_type = active_weeks.scope_type
        and scope_weeks.scope_value = active_weeks.scope_value
        and scope_weeks.week_start = active_weeks.week_start
left join gaps
    on
        scope_weeks.scope_type = gaps.scope_type
        and scope_weeks.scope_value = gaps.scope_value
        and scope_weeks.week_start = gaps.week_start
