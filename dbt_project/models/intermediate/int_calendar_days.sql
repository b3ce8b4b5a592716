{{ config(materialized='table') }}

with

schedule_days as (
    select * from {{ ref('int_schedule_days') }}
    where calendar = 'company'
),

holidays as (
    select
        holiday_date,
        min(holiday_label) as holiday_label
    from {{ ref('stg_config__holidays') }}
    where calendar = 'company'
    group by holiday_date
)

select
    schedule_days.calendar,
    schedule_days.date_day,
    cast(isoyear(schedule_days.date_day) as integer) as iso_year,
    cast(week(schedule_days.date_day) as integer) as iso_week,
    cast(date_trunc('month', schedule_days.date_day) as date) as month_start,
    cast(isodow(schedule_days.date_day) as integer) as iso_weekday,
    schedule_days.is_working_day,
    holidays.holiday_date is not null as is_holiday,
    holidays.holiday_label,
    schedule_days.working_minutes,
    schedule_days.starts_utc,
    schedule_days.ends_utc
from schedule_days
left join holidays on schedule_days.date_day = holidays.holiday_date
