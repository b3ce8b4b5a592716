with

activities as (
    select * from {{ ref('stg_pipedrive__activities') }}
),

kinds as (
    select * from {{ ref('stg_config__activity_kinds') }}
    where source_crm = 'pipedrive'
),

queue_owners as (
    select * from {{ ref('stg_config__queue_owners') }}
    where source_crm = 'pipedrive'
),

-- A type that nobody has explained is a task: it is counted, and is no touch.
explained as (
    select
        activities.*,
        coalesce(kinds.kind, 'task') as kind,
        case when kinds.kind not in ('task', 'note') then kinds.direction end as direction,
        kinds.outcome,
        queue_owners.owner_id is not null as is_queue
    from activities
    left join kinds on activities.activity_type = kinds.activity_type
    left join queue_owners on activities.owner_id = queue_owners.owner_id
)

-- What was written down afterwards happened when it says. What was planned happened when it was ticked off, but for
-- meetings, which begin as planned.
select
    'pipedrive' as source_crm,
    activity_id,
    owner_id,
    kind,
    direction,
    case when is_queue then 'automated' else 'human' end as actor,
    case
        when kind <> 'meeting' then outcome
        when coalesce(is_done, false) then coalesce(outcome, 'reached')
        else 'not_reached'
    end as outcome,
    case when due_at is null and done_at is null then 'day' else 'instant' end as completed_precision,
    duration_seconds,
    coalesce(is_done, false) and not (kind = 'meeting' and coalesce(outcome, '') = 'not_reached') as is_completed,
    is_deleted,
    case
        when due_at is null then coalesce(done_at, {{ local_midnight('due_date') }}, created_at)
        when not coalesce(is_done, false) or created_at >= due_at then due_at
        when kind = 'meeting' then least(due_at, coalesce(done_at, due_at))
        else coalesce(done_at, due_at)
    end as completed_at
from explained
