{{ config(materialized='table') }}

with

activities as (
    select * from {{ ref('int_activities') }}
),

classified as (
    select
        activity_id as touch_id,
        source_crm,
        owner_id as rep_source_id,
        kind,
        direction,
        actor,
        case
            when not is_completed or kind in ('task', 'note') or direction is null then 'none'
            when kind = 'meeting' and coalesce(outcome, '') <> 'not_reached' then 'contact'
            when kind = 'meeting' then 'none'
            when actor = 'automated' then 'none'
            when direction = 'in' and outcome = 'not_reached' then 'none'
            -- Without an outcome a call that is known to have been short reached nobody.
            when direction = 'in' and kind = 'call' and outcome is null and duration_seconds < 60 then 'none'
            when direction = 'in' then 'contact'
            when kind = 'call' and outcome is null and duration_seconds >= 60 then 'contact'
            when outcome = 'reached' then 'contact'
            else 'attempt'
        end as result,
        completed_precision as touch_precision,
        duration_seconds,
        completed_at,
        effective_at,
        {{ local_date('completed_at') }} as local_date
    from activities
)

-- Nothing automatic is an attempt, and the buyer's own call is none of ours.
select
    *,
    actor = 'human' and direction = 'out' and result in ('attempt', 'contact') as is_human_attempt,
    actor <> 'automated' and result = 'contact' as is_contact
from classified
