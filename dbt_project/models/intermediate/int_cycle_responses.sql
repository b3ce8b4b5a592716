{{ config(materialized='table') }}

with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

cycle_touches as (
    select * from {{ ref('int_cycle_touches') }}
),

reps as (
    select * from {{ ref('int_reps') }}
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

entries as (
    select
        cycles.cycle_id,
        {{ worked_days('cycles.entered_at') }} as entered_worked_days
    from cycles
    asof left join int_working_intervals on cycles.entered_at >= int_working_intervals.start_utc
),

-- After qualification the work is the closer's: a touch there answers the hand-over, not the lead.
answering as (
    select
        cycles.cycle_id,
        cycles.entered_at,
        cycles.entry_kind,
        cycle_touches.touch_id,
        cycle_touches.rep_source_id,
        cycle_touches.direction,
        cycle_touches.touch_precision,
        cycle_touches.is_before_entry,
        cycle_touches.is_human_attempt,
        cycle_touches.is_contact,
        cycle_touches.worked_days - entries.entered_worked_days as working_days_after,
        cycle_touches.completed_at,
        cycle_touches.effective_at
    from cycles
    inner join entries on cycles.cycle_id = entries.cycle_id
    inner join cycle_touches on cycles.cycle_id = cycle_touches.cycle_id
    where
        cycles.outcome <> 'qualified'
        or cycle_touches.completed_at <= cycles.closed_effective_at
),

first_attempts as (
    select * from answering
    where is_human_attempt
    qualify row_number() over (partition by cycle_id order by effective_at, touch_id) = 1
),

-- A buyer's message that opened the cycle is the question, not the answer.
first_contacts as (
    select * from answering
    where
        is_contact
        and not is_before_entry
        and not (entry_kind = 'inbound_touch' and completed_at = entered_at)
    qualify row_number() over (partition by cycle_id order by effective_at, touch_id) = 1
),

attempt_counts as (
    select
        cycle_id,
        cast(count(distinct touch_id) as integer) as attempts_10wd
    from answering
    where is_human_attempt and working_days_after <= 10
    group by cycle_id
)

select
    cycles.cycle_id,
    reps.rep_id as first_attempt_rep_id,
    first_attempts.touch_precision as attempt_precision,
    first_contacts.touch_precision as contact_precision,
    coalesce(attempt_counts.attempts_10wd, 0) as attempts_10wd,
    coalesce(first_attempts.is_before_entry, false) as is_pre_touched,
    case
        when
            first_attempts.touch_precision = 'day'
            and {{ local_date('first_attempts.completed_at') }} = {{ local_date('cycles.entered_at') }}
            then greatest(first_attempts.completed_at, cycles.entered_at)
        else first_attempts.completed_at
    end as first_attempt_at,
    case
        when
            first_contacts.touch_precision = 'day'
            and {{ local_date('first_contacts.completed_at') }} = {{ local_date('cycles.entered_at') }}
            then greatest(first_contacts.completed_at, cycles.entered_at)
        else first_contacts.completed_at
    end as first_contact_at
from cycles
left join first_attempts on cycles.cycle_id = first_attempts.cycle_id
left join first_contacts on cycles.cycle_id = first_contacts.cycle_id
left join attempt_counts on cycles.cycle_id = attempt_counts.cycle_id
left join reps on first_attempts.rep_source_id = reps.rep_source_id and reps.is_human
