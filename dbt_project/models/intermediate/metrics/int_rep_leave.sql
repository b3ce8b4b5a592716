with

leave_periods as (
    select * from {{ ref('stg_config__leave_periods') }}
),

reps as (
    select * from {{ ref('int_reps') }}
    where is_human
)

select
    reps.rep_id,
    leave_periods.valid_from,
    leave_periods.valid_to,
    leave_periods.share
from leave_periods
inner join reps on leave_periods.rep_id = reps.rep_source_id
