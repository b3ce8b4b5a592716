{{ config(materialized='table') }}

with

records as (
    select * from {{ ref('int_lead_records') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

activities as (
    select * from {{ ref('int_activities') }}
),

working_hours as (
    select * from {{ ref('stg_config__working_hours') }}
),

holidays as (
    select
        calendar,
        holiday_date,
        min(holiday_label) as holiday_label
    from {{ ref('stg_config__holidays') }}
    group by calendar, holiday_date
),

closed_days as (
    select * from holidays
    where calendar = 'company'
),

moments as (
    select min(created_at) as first_at from records
    union all by name
    select min(first_seen_at) as first_at from deals
    union all by name
    select min(completed_at) as first_at from activities
),

-- A year to either side, so that a date joins whatever a reader looks at; a typing error in the year 1000
-- must not make the calendar a thousand years long.
bounds as (
    select
        date_trunc(
            'year',
            greatest(
                coalesce(min({{ local_date('first_at') }}), {{ local_date(as_of()) }}), date '2000-01-01'
            )
        ) - interval 1 year as first_day,
        date_trunc('year', {{ local_date(as_of()) }}) + interval 2 year as last_day
    from moments
),

days as (
    select cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as date_day
    from bounds
),

hours as (
    select
        days.date_day,
        working_hours.opens,
        working_hours.closes
    from days
    inner join working_hours on isodow(days.date_day) = working_hours.iso_weekday
    where
        working_hours.calendar = 'company'
        and working_hours.closes > working_hours.opens
        and days.date_day not in (select closed_days.holiday_date from closed_days)
),

-- Local wall clock to UTC day by day: the day the clocks change is an hour shorter or longer by itself.
intervals as (
    select
        date_day,
        timezone('{{ var("timezone") }}', date_day + opens) as start_utc,
        timezone('{{ var("timezone") }}', date_day + closes) as end_utc
    from hours
),

worked as (
    select
        date_day,
        sum(epoch(end_utc) - epoch(start_utc)) / 60.0 as working_minutes,
        list(start_utc order by start_utc) as starts_utc,
        list(end_utc order by start_utc) as ends_utc
    from intervals
    group by date_day
)

select
    'company' as calendar,
    days.date_day,
    cast(isoyear(days.date_day) as integer) as iso_year,
    cast(week(days.date_day) as integer) as iso_week,
    cast(date_trunc('month', days.date_day) as date) as month_start,
    cast(isodow(days.date_day) as integer) as iso_weekday,
    coalesce(worked.working_minutes, 0) > 0 as is_working_day,
    closed_days.holiday_date is not null as is_holiday,
    closed_days.holiday_label,
    cast(coalesce(worked.working_minutes, 0) as {{ double() }}) as working_minutes,
    worked.starts_utc,
    worked.ends_utc
from days
left join worked on days.date_day = worked.date_day
left join closed_days on days.date_day = closed_days.holiday_date
