with

company_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

person_intervals as (
    select * from {{ ref('int_person_working_intervals') }}
),

reps as (
    select * from {{ ref('int_reps') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

-- Whose hours differ from the company's is a fact about an employee.
intervals as (
    select * from company_intervals
    union all by name
    select
        person_intervals.* exclude (calendar),
        reps.rep_id as calendar
    from person_intervals
    inner join reps on person_intervals.calendar = reps.rep_source_id
    cross join int_metric_scope
    where int_metric_scope.has_people_metrics
)

select
    calendar,
    date_day,
    start_utc,
    end_utc,
    interval_minutes as working_minutes,
    {{ publication_columns() }}
from intervals
