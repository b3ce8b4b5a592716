with

messages as (
    select * from {{ ref('stg_odoo__messages') }}
),

meetings as (
    select * from {{ ref('stg_odoo__meetings') }}
),

activities as (
    select * from {{ ref('stg_odoo__activities') }}
),

activity_types as (
    select * from {{ ref('stg_odoo__activity_types') }}
),

users as (
    select * from {{ ref('stg_odoo__users') }}
),

reps as (
    select * from {{ ref('int_odoo__reps') }}
),

meanings as (
    select * from {{ ref('stg_config__activity_kinds') }}
    where source_crm = 'odoo'
),

authors as (
    select
        partner_id,
        min(user_id) as user_id
    from users
    where partner_id is not null
    group by partner_id
),

-- What Odoo brings along is told by category or picture, as its names are in any language; a company's own types
-- are told by the config, and are tasks if they are not.
types as (
    select
        activity_types.activity_type_id,
        coalesce(
            meanings.kind,
            case
                when activity_types.category = 'phonecall' or contains(activity_types.icon, 'phone') then 'call'
                when activity_types.category = 'meeting' then 'meeting'
                when contains(activity_types.icon, 'envelope') then 'email'
            end,
            'task'
        ) as kind,
        coalesce(meanings.direction, 'out') as direction,
        meanings.outcome
    from activity_types
    left join meanings on lower(activity_types.activity_type) = meanings.activity_type
),

-- A message is work if an activity was done with it, or if it went to or came from the customer.
written as (
    select
        messages.message_id,
        messages.lead_id,
        authors.user_id as owner_id,
        case
            when messages.activity_type_id is not null then coalesce(types.kind, 'task')
            when messages.message_type in ('sms', 'whatsapp_message') then 'message'
            else 'email'
        end as kind,
        case
            when messages.activity_type_id is not null then coalesce(types.direction, 'out')
            when authors.user_id is not null then 'out'
            when messages.message_type in ('email_outgoing', 'auto_comment') then 'out'
            else 'in'
        end as direction,
        case
            when messages.message_type = 'auto_comment' or not coalesce(reps.is_human, true) then 'automated'
            else 'human'
        end as actor,
        case
            when messages.activity_type_id is null then null
            when types.kind = 'meeting' then coalesce(types.outcome, 'reached')
            else types.outcome
        end as outcome,
        messages.is_deleted,
        messages.written_at
    from messages
    left join authors on messages.author_id = authors.partner_id
    left join reps on authors.user_id = reps.rep_source_id
    left join types on messages.activity_type_id = types.activity_type_id
    where
        messages.activity_type_id is not null
        or messages.message_type in ('email', 'email_outgoing', 'auto_comment', 'sms', 'whatsapp_message')
        or (messages.message_type = 'comment' and not coalesce(messages.is_internal, false))
),

-- A meeting was held if its activity was done: from Odoo 19 on the activity says so, before that only the
-- first message of that kind on the same lead after the meeting began, and before the next one did.
numbered as (
    select
        *,
        lead(started_at) over (partition by lead_id order by started_at, meeting_id) as next_started_at
    from meetings
    where lead_id is not null and coalesce(is_active, true) and not is_deleted
),

reported as (
    select
        numbered.meeting_id,
        arg_min(written.message_id, written.written_at) as message_id
    from numbered
    inner join written
        on
            numbered.lead_id = written.lead_id
            and numbered.started_at <= written.written_at
            and (numbered.next_started_at is null or numbered.next_started_at > written.written_at)
    where written.kind = 'meeting' and not written.is_deleted
    group by numbered.meeting_id
),

done as (
    select meeting_id from reported
    union
    select meeting_id from activities
    where meeting_id is not null and done_date is not null and not is_deleted
)

-- The message that says that a meeting was held is a note beside the meeting itself, which has the true time.
select
    'odoo' as source_crm,
    'odoo:message' || substr(written.message_id, length('odoo:')) as activity_id,
    written.owner_id,
    case when reported.message_id is null then written.kind else 'note' end as kind,
    written.direction,
    written.actor,
    written.outcome,
    'instant' as completed_precision,
    cast(null as {{ double() }}) as duration_seconds,
    true as is_completed,
    written.is_deleted,
    written.written_at as completed_at
from written
left join reported on written.message_id = reported.message_id
union all by name
select
    'odoo' as source_crm,
    'odoo:meeting' || substr(meetings.meeting_id, length('odoo:')) as activity_id,
    meetings.owner_id,
    'meeting' as kind,
    'out' as direction,
    'human' as actor,
    case when done.meeting_id is null then 'not_reached' else 'reached' end as outcome,
    'instant' as completed_precision,
    epoch(meetings.ended_at) - epoch(meetings.started_at) as duration_seconds,
    done.meeting_id is not null as is_completed,
    meetings.is_deleted or not coalesce(meetings.is_active, true) as is_deleted,
    meetings.started_at as completed_at
from meetings
left join done on meetings.meeting_id = done.meeting_id
