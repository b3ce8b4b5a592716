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
)

select
    cycle_id,
    rep_id,
    is_human,
    started_at,
    ended_at,
    end_minutes - start_minutes as segment_wm
from both_ends
