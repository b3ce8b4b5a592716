with

activities as (
    select * from {{ ref('stg_csv__activities') }}
),

kinds as (
    select
        *,
        case
            when kind in ('call', 'email', 'meeting', 'linkedin', 'message', 'task', 'note') then kind
            when kind in ('phone', 'phone call', 'bel', 'telefoon') then 'call'
            when kind in ('e-mail', 'mail') then 'email'
            when kind in ('demo', 'visit', 'appointment', 'afspraak') then 'meeting'
            when kind in ('whatsapp', 'sms', 'chat') then 'message'
            else 'note'
        end as neutral_kind
    from activities
)

-- A column that was not mapped says nothing: a named salesperson makes the activity a person's work.
select
    'csv' as source_crm,
    activity_id,
    owner_id,
    neutral_kind as kind,
    case
        when direction in ('in', 'inbound', 'incoming') then 'in'
        when direction in ('out', 'outbound', 'outgoing') then 'out'
        when neutral_kind in ('task', 'note') then null
        else 'out'
    end as direction,
    case
        when actor in ('automated', 'automation', 'workflow', 'system', 'sequence', 'bot') then 'automated'
        when actor in ('human', 'person', 'user', 'rep') or owner_id is not null then 'human'
        else 'unknown'
    end as actor,
    case
        when result in ('contact', 'connected', 'answered', 'reached', 'held', 'reply', 'replied') then 'reached'
        when result in ('attempt', 'no_answer', 'voicemail', 'left_message', 'busy', 'wrong_number') then 'not_reached'
    end as outcome,
    completed_precision,
    duration_seconds,
    coalesce(result not in ('none', 'planned', 'scheduled', 'canceled', 'cancelled', 'no_show'), true) as is_completed,
    is_deleted,
    completed_at
from kinds
