{{ config(materialized='table') }}

-- Opening hours of every calendar, day by day: the company's, and one for each person with hours of their own.
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

schedules as (
    select * from {{ ref('stg_config__schedules') }}
),

working_hours as (
    select * from {{ ref('stg_config__working_hours') }}
    where closes > opens
),

people as (
    select * from {{ ref('stg_config__people') }}
),

holidays as (
    select distinct holiday_date from {{ ref('stg_config__holidays') }}
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

-- Whose schedules a calendar looks at, the nearest first. Only people with hours of their own have a calendar: all
-- others work the company's.
own_schedules as (
    select
        people.rep_id as calendar,
        schedules.schedule_no,
        schedules.valid_from,
        schedules.valid_to,
        case when schedules.calendar = people.rep_id then 1 else 2 end as nearness
    from people
    inner join schedules
        on people.rep_id = schedules.calendar or 'team:' || people.team = schedules.calendar
),

calendars as (
    select distinct calendar from own_schedules
    union all
    select 'company' as calendar
),

candidates as (
    select * from own_schedules
    union all by name
    select
        calendars.calendar,
        schedules.schedule_no,
        schedules.valid_from,
        schedules.valid_to,
        3 as nearness
    from calendars
    cross join schedules
    where schedules.calendar = 'company'
),

-- The schedule in force on the day: the nearest, and of the company's the newest that had begun.
in_force as (
    select
        candidates.calendar,
        days.date_day,
        candidates.schedule_no
    from days
    inner join candidates
        on
            days.date_day >= candidates.valid_from
            and (candidates.valid_to is null or days.date_day < candidates.valid_to)
    qualify row_number() over (
        partition by candidates.calendar, days.date_day
        order by candidates.nearness asc, candidates.valid_from desc, candidates.schedule_no asc
    ) = 1
),

-- Local wall clock to UTC day by day: the day the clocks change is an hour shorter or longer by itself.
intervals as (
    select
        in_force.calendar,
        in_force.date_day,
        timezone('{{ var("timezone") }}', in_force.date_day + working_hours.opens) as start_utc,
        timezone('{{ var("timezone") }}', in_force.date_day + working_hours.closes) as end_utc
    from in_force
    inner join working_hours
        on
            in_force.schedule_no = working_hours.schedule_no
            and isodow(in_force.date_day) = working_hours.iso_weekday
    where in_force.date_day not in (select holidays.holiday_date from holidays)
),

worked as (
    select
        calendar,
        date_day,
        sum(epoch(end_utc) - epoch(start_utc)) / 60.0 as working_minutes,
        list(start_utc order by start_utc) as starts_utc,
        list(end_utc order by start_utc) as ends_utc
    from intervals
    group by calendar, date_day
)

select
    in_force.calendar,
    in_force.date_day,
    in_force.schedule_no,
    coalesce(worked.working_minutes, 0) > 0 as is_working_day,
    cast(coalesce(worked.working_minutes, 0) as {{ double() }}) as working_minutes,
    worked.starts_utc,
    worked.ends_utc
from in_force
left join worked on in_force.calendar = worked.calendar and in_force.date_day = worked.date_day
