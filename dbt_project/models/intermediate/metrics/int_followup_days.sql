{{ config(materialized='table') }}

-- Inbound leads by whole days: a bare date can't be late by minutes, and can by working days.
with

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where motion = 'inbound' and is_counted and has_speed and not is_unlogged
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
    where not is_impossible_order
),

-- Working days that have begun up to and including a day.
numbered as (
    select
        date_day,
        count(case when is_working_day then 1 end) over (
            order by date_day rows between unbounded preceding and current row
        ) as working_day_no
    from {{ ref('dim_date') }}
),

cut as (
    select working_day_no from numbered
    where date_day = {{ local_date(as_of()) }}
),

cycles as (
    select
        int_cycle_outcomes.cycle_id,
        int_cycle_outcomes.cohort_month,
        fct_lead_cycle.entered_local_date,
        fct_lead_cycle.is_pre_touched,
        {{ local_date('fct_lead_cycle.first_attempt_at') }} as attempt_date
    from int_cycle_outcomes
    inner join fct_lead_cycle on int_cycle_outcomes.cycle_id = fct_lead_cycle.cycle_id
)

select
    cycles.cycle_id,
    cycles.cohort_month,
    case
        when cycles.is_pre_touched then 0
        -- greatest() would make 0 of nobody's attempt.
        when attempts.working_day_no is not null then greatest(attempts.working_day_no - entries.working_day_no, 0)
    end as days_to_attempt,
    cut.working_day_no - entries.working_day_no as days_since_entry
from cycles
cross join cut
inner join numbered as entries on cycles.entered_local_date = entries.date_day
left join numbered as attempts on cycles.attempt_date = attempts.date_day
