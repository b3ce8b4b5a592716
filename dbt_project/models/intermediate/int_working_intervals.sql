{{ config(materialized='table') }}

with

calendar_days as (
    select * from {{ ref('int_calendar_days') }}
    where is_working_day
),

intervals as (
    select
        calendar,
        date_day,
        working_minutes as day_minutes,
        unnest(starts_utc) as start_utc,
        unnest(ends_utc) as end_utc
    from calendar_days
),

ranges as (
    select
        *,
        (epoch(end_utc) - epoch(start_utc)) / 60.0 as interval_minutes
    from intervals
)

-- Minutes since the calendar began: the working time between two instants is one subtraction.
select
    calendar,
    date_day,
    start_utc,
    end_utc,
    cast(day_minutes as {{ double() }}) as day_minutes,
    cast(interval_minutes as {{ double() }}) as interval_minutes,
    cast(
        coalesce(
            sum(interval_minutes) over (
                partition by calendar order by start_utc rows between unbounded preceding and 1 preceding
            ),
            0
        ) as {{ double() }}
    ) as cum_minutes_before,
    cast(
        coalesce(
            sum(interval_minutes / day_minutes) over (
                partition by calendar order by start_utc rows between unbounded preceding and 1 preceding
            ),
            0
        ) as {{ double() }}
    ) as cum_days_before
from ranges
