with

touches as (
    select * from {{ ref('int_touches') }}
),

touch_serves as (
    select * from {{ ref('int_touch_serves') }}
),

touch_roles as (
    select * from {{ ref('int_touch_roles') }}
),

reps as (
    select * from {{ ref('int_reps') }}
    where is_human
)

select
    touches.touch_id,
    touches.source_crm,
    touch_serves.person_id,
    touch_serves.cycle_id,
    touch_serves.deal_id,
    reps.rep_id,
    touch_roles.role_at_event,
    touches.direction,
    touches.actor,
    touches.kind,
    touches.result,
    touches.is_human_attempt,
    touches.completed_at as at_utc,
    touches.local_date as at_local_date,
    touches.touch_precision as precision,
    cast(touches.duration_seconds as {{ double() }}) as duration_seconds,
    {{ publication_columns() }}
from touches
inner join touch_serves on touches.touch_id = touch_serves.touch_id
inner join touch_roles on touches.touch_id = touch_roles.touch_id
left join reps on touches.rep_source_id = reps.rep_source_id
