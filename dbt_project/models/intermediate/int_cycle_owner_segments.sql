{{ config(materialized='table') }}

with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

responses as (
    select * from {{ ref('int_cycle_responses') }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'lead'
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

person_intervals as (
    select
        reps.rep_id,
        person_intervals.*
    from {{ ref('int_person_working_intervals') }} as person_intervals
    inner join {{ ref('int_reps') }} as reps on person_intervals.calendar = reps.rep_source_id
),

own_calendars as (
    select distinct rep_id from person_intervals
),

-- The clock of a cycle runs from its entry to its first attempt, or to the cut.
clocks as (
    select
        cycles.cycle_id,
        cycles.person_id,
        cycles.entered_at,
        greatest(coalesce(responses.first_attempt_at, {{ as_of() }}), cycles.entered_at) as stopped_at
    from cycles
    inner join responses on cycles.cycle_id = responses.cycle_id
),

-- Before its first owner a person is nobody's.
lines as (
    select
        owned_id,
        rep_id,
        is_human,
        valid_from,
        valid_to
    from owner_intervals
    union all by name
    select
        owned_id,
        cast(null as text) as rep_id,
        false as is_human,
        cast(null as timestamptz) as valid_from,
        min(valid_from) as valid_to
    from owner_intervals
    group by owned_id
),

owned_parts as (
    select
        clocks.cycle_id,
        lines.rep_id,
        coalesce(lines.is_human, false) as is_human,
        greatest(clocks.entered_at, coalesce(lines.valid_from, clocks.entered_at)) as started_at,
        least(clocks.stopped_at, coalesce(lines.valid_to, clocks.stopped_at)) as ended_at
    from clocks
    left join lines
        on
            clocks.person_id = lines.owned_id
            and (lines.valid_from is null or clocks.stopped_at > lines.valid_from)
            and (lines.valid_to is null or clocks.entered_at < lines.valid_to)
),

starts as (
    select
        owned_parts.*,
        {{ worked_minutes('owned_parts.started_at') }} as start_minutes
    from owned_parts
    asof left join int_working_intervals on owned_parts.started_at >= int_working_intervals.start_utc
),

both_ends as (
    select
        starts.*,
        {{ worked_minutes('starts.ended_at') }} as end_minutes
    from starts
    asof left join int_working_intervals on starts.ended_at >= int_working_intervals.start_utc
),

-- The lead waits in the company's time; an owner is charged in the own time, if that is another.
own_starts as (
    select
        both_ends.cycle_id,
        both_ends.rep_id,
        both_ends.started_at,
        both_ends.ended_at,
        {{ worked_minutes('both_ends.started_at', 'person_intervals') }} as start_minutes
    from both_ends
    inner join own_calendars on both_ends.rep_id = own_calendars.rep_id
    asof left join person_intervals
        on both_ends.rep_id = person_intervals.rep_id and both_ends.started_at >= person_intervals.start_utc
),

own_times as (
    select
        own_starts.cycle_id,
        own_starts.rep_id,
        own_starts.started_at,
        {{ worked_minutes('own_starts.ended_at', 'person_intervals') }} - own_starts.start_minutes as owner_wm
    from own_starts
    asof left join person_intervals
        on own_starts.rep_id = person_intervals.rep_id and own_starts.ended_at >= person_intervals.start_utc
)

select
    both_ends.cycle_id,
    both_ends.rep_id,
    both_ends.is_human,
    both_ends.started_at,
    both_ends.ended_at,
    both_ends.end_minutes - both_ends.start_minutes as segment_wm,
    coalesce(own_times.owner_wm, both_ends.end_minutes - both_ends.start_minutes) as segment_owner_wm
from both_ends
left join own_times
    on
        both_ends.cycle_id = own_times.cycle_id
        and both_ends.rep_id = own_times.rep_id
        and both_ends.started_at = own_times.started_at
