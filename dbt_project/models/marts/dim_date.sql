with

calendar_days as (
    select * from {{ ref('int_calendar_days') }}
)

select
    date_day,
    iso_year,
    iso_week,
    month_start,
    iso_weekday,
    is_working_day,
    is_holiday,
    holiday_label,
    working_minutes,
    {{ publication_columns() }}
from calendar_days
