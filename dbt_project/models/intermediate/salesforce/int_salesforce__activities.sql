with

tasks as (
    select * from {{ ref('stg_salesforce__tasks') }}
),

events as (
    select * from {{ ref('stg_salesforce__events') }}
),

users as (
    select * from {{ ref('stg_salesforce__users') }}
),

-- A due date is a day; a task that nobody closed has no other.
task_outcomes as (
    select
        task_id as activity_id,
        owner_id,
        created_by_id,
        case
            when task_subtype = 'call' or call_type is not null then 'call'
            when task_subtype in ('email', 'listemail') then 'email'
            else 'task'
        end as kind,
        coalesce(direction, call_type) as side,
        task_subtype = 'listemail' as is_mailing,
        case
            when call_disposition is null then null
            when regexp_matches(call_disposition, '^(connected|contacted|answered|reached|spoke|gesproken|bereikt)')
                then 'reached'
            else 'not_reached'
        end as outcome,
        case
            when coalesce(happened_at, completed_at) is null and activity_date is not null then 'day'
            else 'instant'
        end as completed_precision,
        duration_seconds,
        coalesce(is_closed, false) and not coalesce(regexp_matches(status, '^cancel|^geannuleerd'), false)
            as is_completed,
        is_deleted or coalesce(is_recurrence, false) as is_deleted,
        coalesce(happened_at, completed_at, {{ local_midnight('activity_date') }}, created_at) as completed_at
    from tasks
),

-- Salesforce has no outcome of its own for a meeting: where the company keeps none, one that was not deleted was held.
-- What a guest sees is a copy (is_child), what stands behind a series (is_recurrence) was never held itself.
event_outcomes as (
    select
        event_id as activity_id,
        owner_id,
        created_by_id,
        'meeting' as kind,
        'outbound' as side,
        false as is_mailing,
        case
            when outcome is null or regexp_matches(outcome, '^(completed|held|attended|gehouden)') then 'reached'
            else 'not_reached'
        end as outcome,
        case
            when coalesce(is_all_day, false) or started_at is null then 'day'
            else 'instant'
        end as completed_precision,
        (epoch(ended_at) - epoch(started_at)) as duration_seconds,
        outcome is null or regexp_matches(outcome, '^(completed|held|attended|gehouden)') as is_completed,
        is_deleted or coalesce(is_child, false) or coalesce(is_recurrence, false) as is_deleted,
        case
            when coalesce(is_all_day, false) then {{ local_midnight('activity_date') }}
            else coalesce(started_at, {{ local_midnight('activity_date') }}, created_at)
        end as completed_at
    from events
),

activities as (
    select * from task_outcomes
    union all by name
    select * from event_outcomes
),

programs as (
    select * from users
    where user_type <> 'standard'
)

-- An e-mail without a direction was sent from Salesforce; one that came in says so.
select
    'salesforce' as source_crm,
    activities.activity_id,
    activities.owner_id,
    activities.kind,
    case
        when activities.kind = 'task' then null
        when regexp_matches(activities.side, '^in') and activities.side <> 'internal' then 'in'
        when activities.side = 'internal' then null
        else 'out'
    end as direction,
    case
        when activities.is_mailing or owners.user_id is not null or makers.user_id is not null then 'automated'
        else 'human'
    end as actor,
    activities.outcome,
    activities.completed_precision,
    activities.duration_seconds,
    activities.is_completed,
    activities.is_deleted,
    activities.completed_at
from activities
left join programs as owners on activities.owner_id = owners.user_id
left join programs as makers on activities.created_by_id = makers.user_id
