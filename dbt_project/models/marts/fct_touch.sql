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
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
),

-- Who had the person then; where a touch is on a deal alone, who had the deal.
owned as (
    select
        touches.touch_id,
        case when touch_serves.person_id is null then 'deal' else 'lead' end as record_kind,
        coalesce(touch_serves.person_id, touch_serves.deal_id) as owned_id,
        touches.completed_at
    from touches
    inner join touch_serves on touches.touch_id = touch_serves.touch_id
    where touches.completed_at is not null and coalesce(touch_serves.person_id, touch_serves.deal_id) is not null
),

owners as (
    select
        owned.touch_id,
        owner_intervals.rep_id
    from owned
    asof inner join owner_intervals
        on
            owned.record_kind = owner_intervals.record_kind
            and owned.owned_id = owner_intervals.owned_id
            and owned.completed_at >= owner_intervals.valid_from
)

select
    touches.touch_id,
    touches.source_crm,
    touch_serves.person_id,
    touch_serves.cycle_id,
    touch_serves.deal_id,
    reps.rep_id,
    owners.rep_id as owner_at_event,
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
left join owners on touches.touch_id = owners.touch_id
