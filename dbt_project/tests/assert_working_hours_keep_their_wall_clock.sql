-- The day the clocks change opens at the same local time as any other, by the schedule in force.
with

openings as (
    select
        intervals.calendar,
        intervals.date_day,
        schedule_days.schedule_no,
        cast(timezone('{{ var("timezone") }}', intervals.start_utc) as time) as opens
    from (
        select
            calendar,
            date_day,
            start_utc
        from {{ ref('int_working_intervals') }}
        union all
        select
            calendar,
            date_day,
            start_utc
        from {{ ref('int_person_working_intervals') }}
    ) as intervals
    inner join {{ ref('int_schedule_days') }} as schedule_days
        on intervals.calendar = schedule_days.calendar and intervals.date_day = schedule_days.date_day
)

select openings.*
from openings
left join {{ ref('stg_config__working_hours') }} as working_hours
    on
        openings.schedule_no = working_hours.schedule_no
        and isodow(openings.date_day) = working_hours.iso_weekday
        and openings.opens = working_hours.opens
where working_hours.opens is null
