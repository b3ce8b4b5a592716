{{ config(materialized='table') }}

with recursive

events as (
    select * from {{ ref('int_cycle_events') }}
),

-- One walk a person, in order of time. A cycle is open until its first milestone or expiry. After that a
-- new entry opens the next one: at once if it comes from elsewhere, after the gap if it is the same again.
-- A lead that was written off and is qualified after all, without a new entry, was that cycle's.
walk as (
    select
        person_id,
        0 as event_no,
        0 as cycle_no,
        false as is_open,
        false as is_qualified,
        false as is_opening,
        false as is_closing,
        false as is_other_motion,
        cast(null as text) as cycle_source,
        cast(null as text) as cycle_motion,
        cast(null as timestamptz) as closed_at
    from events
    where event_no = 1
    union all
    select
        next_step.person_id,
        next_step.event_no,
        next_step.cycle_no + cast(next_step.is_opening as integer) as cycle_no,
        next_step.is_entry and (next_step.was_open or next_step.is_opening) as is_open,
        case
            when next_step.is_opening then false
            else next_step.was_qualified or (next_step.is_closing and next_step.is_qualification)
        end as is_qualified,
        next_step.is_opening,
        next_step.is_closing,
        next_step.was_open and next_step.is_entry and next_step.motion <> next_step.cycle_motion as is_other_motion,
        case when next_step.is_opening then next_step.source else next_step.cycle_source end as cycle_source,
        case when next_step.is_opening then next_step.motion else next_step.cycle_motion end as cycle_motion,
        case
            when next_step.is_closing then next_step.event_at
            else next_step.closed_at
        end as closed_at
    from (
        select
            events.person_id,
            events.event_no,
            events.source,
            events.motion,
            events.event_at,
            events.event_kind = 'entry' as is_entry,
            coalesce(events.milestone = 'qualified', false) as is_qualification,
            walk.cycle_no,
            walk.is_open as was_open,
            walk.is_qualified as was_qualified,
            walk.cycle_source,
            walk.cycle_motion,
            walk.closed_at,
            events.event_kind = 'entry'
            and not walk.is_open
            and (
                walk.cycle_no = 0
                or events.source is distinct from walk.cycle_source
                or events.motion is distinct from walk.cycle_motion
                or events.event_at >= walk.closed_at + interval {{ var('reopen_gap_days') }} day
            ) as is_opening,
            events.event_kind <> 'entry'
            and walk.cycle_no > 0
            and (
                walk.is_open
                or (coalesce(events.milestone = 'qualified', false) and not walk.is_qualified)
            ) as is_closing
        from walk
        inner join events on walk.person_id = events.person_id and walk.event_no + 1 = events.event_no
    ) as next_step
)

select
    walk.cycle_no,
    walk.is_opening,
    walk.is_closing,
    walk.is_other_motion,
    events.*
from walk
inner join events on walk.person_id = events.person_id and walk.event_no = events.event_no
