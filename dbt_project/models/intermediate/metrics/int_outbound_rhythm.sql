{{ config(materialized='table') }}

-- Active days (at least min_new_touches acquisition touches) among the working days of a month, and the longest run of
-- working days without one, within the month.
with

int_outbound_touches as (
    select * from {{ ref('int_outbound_touches') }}
),

int_months as (
    select * from {{ ref('int_months') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

rep_days as (
    select * from {{ ref('int_rep_days') }}
),

own_calendars as (
    select distinct rep_id from rep_days
),

calendar_days as (
    select
        'company' as calendar,
        date_day,
        month_start as month
    from dim_date
    where is_working_day
    union all by name
    select
        rep_id as calendar,
        date_day,
        month
    from rep_days
    where is_working_day
),

working_days as (
    select
        calendar,
        date_day,
        month,
        row_number() over (partition by calendar, month order by date_day) as day_no
    from calendar_days
),

-- Working days that have begun, of the company and of who has hours of their own.
month_lengths as (
    select
        'company' as calendar,
        month,
        working_day_count
    from int_months
    union all by name
    select
        calendar,
        month,
        count(*) as working_day_count
    from working_days
    where calendar <> 'company'
    group by calendar, month
),

sliced as (
    select
        at_local_date,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_outbound_touches
),

placed as (
    select
        sliced.*,
        coalesce(own_calendars.rep_id, 'company') as calendar
    from sliced
    left join own_calendars on sliced.slice_type = 'rep' and sliced.slice_value = own_calendars.rep_id
),

active_days as (
    select
        placed.calendar,
        working_days.month,
        placed.slice_type,
        placed.slice_value,
        working_days.day_no,
        count(*) as touch_count
    from placed
    inner join working_days
        on placed.calendar = working_days.calendar and placed.at_local_date = working_days.date_day
    group by placed.calendar, working_days.month, placed.slice_type, placed.slice_value, working_days.day_no
    having count(*) >= {{ var('min_new_touches') }}
),

gaps as (
    select
        calendar,
        month,
        slice_type,
        slice_value,
        day_no,
        day_no - coalesce(lag(day_no) over (
            partition by month, slice_type, slice_value order by day_no
        ), 0) - 1 as gap_before
    from active_days
),

rhythm as (
    select
        gaps.month,
        gaps.slice_type,
        gaps.slice_value,
        count(*) as active_day_count,
        greatest(max(gaps.gap_before), month_lengths.working_day_count - max(gaps.day_no)) as longest_gap_day_count
    from gaps
    inner join month_lengths on gaps.calendar = month_lengths.calendar and gaps.month = month_lengths.month
    group by gaps.month, gaps.slice_type, gaps.slice_value, month_lengths.working_day_count
)

select * from rhythm
