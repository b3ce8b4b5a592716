{{ config(materialized='table') }}

-- The days up to the cut of people with hours of their own: a part-timer is judged on the own working days.
with

schedule_days as (
    select * from {{ ref('int_schedule_days') }}
    where calendar <> 'company' and date_day <= {{ local_date(as_of()) }}
),

reps as (
    select * from {{ ref('int_reps') }}
)

select
    reps.rep_id,
    schedule_days.date_day,
    cast(date_trunc('month', schedule_days.date_day) as date) as month,
    bool_or(schedule_days.is_working_day) as is_working_day
from schedule_days
inner join reps on schedule_days.calendar = reps.rep_source_id
group by reps.rep_id, schedule_days.date_day
