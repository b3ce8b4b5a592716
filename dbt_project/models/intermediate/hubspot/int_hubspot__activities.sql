with

calls as (
    select * from {{ ref('stg_hubspot__calls') }}
),

emails as (
    select * from {{ ref('stg_hubspot__emails') }}
),

meetings as (
    select * from {{ ref('stg_hubspot__meetings') }}
),

tasks as (
    select * from {{ ref('stg_hubspot__tasks') }}
),

communications as (
    select * from {{ ref('stg_hubspot__communications') }}
),

-- Vendor's default outcomes; a portal's own outcome says nothing we can rely on, so it stays an attempt.
call_outcomes as (
    select
        call_id as activity_id,
        owner_id,
        'call' as kind,
        case direction when 'INBOUND' then 'in' else 'out' end as direction,
        record_source,
        case
            when status = 'MISSED' then 'not_reached'
            when disposition is null then null
            when starts_with(disposition, 'f240bbac') then 'reached'
            else 'not_reached'
        end as outcome,
        duration_seconds,
        coalesce(
            status not in (
                'QUEUED', 'RINGING', 'CONNECTING', 'CALLING_CRM_USER', 'IN_PROGRESS', 'CANCELED', 'FAILED', 'SCHEDULED'
            ),
            true
        ) as is_completed,
        is_deleted,
        coalesce(happened_at, created_at) as completed_at
    from calls
),

email_outcomes as (
    select
        email_id as activity_id,
        owner_id,
        'email' as kind,
        case direction
            when 'INCOMING_EMAIL' then 'in'
            when 'EMAIL' then 'out'
        end as direction,
        record_source,
        cast(null as text) as outcome,
        cast(null as {{ double() }}) as duration_seconds,
        coalesce(status not in ('SENDING', 'SCHEDULED', 'FAILED', 'DRAFT'), true)
        and coalesce(direction in ('EMAIL', 'INCOMING_EMAIL'), false) as is_completed,
        is_deleted,
        coalesce(happened_at, created_at) as completed_at
    from emails
),

-- A meeting is held when its outcome says so; a past time alone does not.
meeting_outcomes as (
    select
        meeting_id as activity_id,
        owner_id,
        'meeting' as kind,
        'out' as direction,
        record_source,
        case when outcome = 'COMPLETED' then 'reached' else 'not_reached' end as outcome,
        (epoch(ended_at) - epoch(started_at)) as duration_seconds,
        coalesce(outcome = 'COMPLETED', false) as is_completed,
        is_deleted,
        coalesce(started_at, happened_at, created_at) as completed_at
    from meetings
),

-- A plan until it is ticked off, and then still nobody's touch: what was done is logged as what it was.
task_outcomes as (
    select
        task_id as activity_id,
        owner_id,
        'task' as kind,
        cast(null as text) as direction,
        record_source,
        cast(null as text) as outcome,
        cast(null as {{ double() }}) as duration_seconds,
        coalesce(status = 'COMPLETED', false) as is_completed,
        is_deleted,
        coalesce(case when status = 'COMPLETED' then completed_at end, due_at, created_at) as completed_at
    from tasks
),

-- HubSpot tells no direction of a message; who logs one has sent it.
communication_outcomes as (
    select
        communication_id as activity_id,
        owner_id,
        case when channel = 'LINKEDIN_MESSAGE' then 'linkedin' else 'message' end as kind,
        'out' as direction,
        record_source,
        cast(null as text) as outcome,
        cast(null as {{ double() }}) as duration_seconds,
        true as is_completed,
        is_deleted,
        coalesce(happened_at, created_at) as completed_at
    from communications
),

activities as (
    select * from call_outcomes
    union all by name
    select * from email_outcomes
    union all by name
    select * from meeting_outcomes
    union all by name
    select * from task_outcomes
    union all by name
    select * from communication_outcomes
)

select
    'hubspot' as source_crm,
    {{ hubspot_typed_id("case when kind = 'linkedin' then 'message' else kind end", 'activity_id') }} as activity_id,
    owner_id,
    kind,
    direction,
    case
        when record_source in (
            'AUTOMATION_PLATFORM', 'SEQUENCES', 'WORKFLOWS', 'MARKETING_EMAIL', 'EMAIL_MARKETING', 'CAMPAIGNS', 'BOT'
        ) then 'automated'
        else 'human'
    end as actor,
    outcome,
    'instant' as completed_precision,
    duration_seconds,
    is_completed,
    is_deleted,
    completed_at
from activities
