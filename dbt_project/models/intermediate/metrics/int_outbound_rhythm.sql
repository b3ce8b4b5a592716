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

working_days as (
    select
        date_day,
        month_start as month,
        row_number() over (partition by month_start order by date_day) as day_no
    from dim_date
    where is_working_day
),

sliced as (
    select
        at_local_date,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_outbound_touches
),

active_days as (
    select
        working_days.month,
        sliced.slice_type,
        sliced.slice_value,
        working_days.day_no,
        count(*) as touch_count
    from sliced
    inner join working_days on sliced.at_local_date = working_days.date_day
    group by working_days.month, sliced.slice_type, sliced.slice_value, working_days.day_no
    having count(*) >= {{ var('min_new_touches') }}
),

gaps as (
    select
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
        greatest(max(gaps.gap_before), int_months.working_day_count - max(gaps.day_no)) as longest_gap_day_count
    from gaps
    inner join int_months on gaps.month = int_months.month
    group by gaps.month, gaps.slice_type, gaps.slice_value, int_months.working_day_count
)

select * from rhythm
