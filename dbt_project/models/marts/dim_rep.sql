with

reps as (
    select * from {{ ref('int_reps') }}
    where is_human
)

select
    rep_id,
    min(label) as label,
    bool_or(is_active) as is_active,
    min(seniority) as seniority,
    cast(max(hours_week) as {{ double() }}) as hours_week,
    min(hired_on) as hired_on,
    {{ publication_columns() }}
from reps
group by rep_id
