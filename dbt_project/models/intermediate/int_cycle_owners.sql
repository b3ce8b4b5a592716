{{ config(materialized='table') }}

with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'lead'
),

segments as (
    select * from {{ ref('int_cycle_owner_segments') }}
),

-- Who has the lead at its entry; a lead that had to be routed is counted under its first owner.
human_owners as (
    select
        cycles.cycle_id,
        owner_intervals.rep_id,
        greatest(owner_intervals.valid_from, cycles.entered_at) as owned_at
    from cycles
    inner join owner_intervals on cycles.person_id = owner_intervals.owned_id
    where
        owner_intervals.is_human
        and (owner_intervals.valid_to is null or owner_intervals.valid_to > cycles.entered_at)
        and (cycles.next_entered_at is null or owner_intervals.valid_from < cycles.next_entered_at)
    qualify row_number() over (
        partition by cycles.cycle_id order by owner_intervals.valid_from, owner_intervals.rep_id
    ) = 1
),

at_qualification as (
    select
        cycles.cycle_id,
        owner_intervals.rep_id
    from cycles
    asof inner join owner_intervals
        on cycles.person_id = owner_intervals.owned_id and cycles.qualified_at >= owner_intervals.valid_from
),

after_handover as (
    select
        handed.cycle_id,
        owner_intervals.rep_id
    from (
        select
            cycle_id,
            person_id,
            least(qualified_at + interval 14 day, {{ as_of() }}) as settled_at
        from cycles
        where qualified_at is not null
    ) as handed
    asof inner join owner_intervals
        on handed.person_id = owner_intervals.owned_id and handed.settled_at >= owner_intervals.valid_from
),

-- The outcome is credited to whoever had the lead when it closed, whoever has it now.
at_close as (
    select
        cycles.cycle_id,
        owner_intervals.rep_id
    from cycles
    asof inner join owner_intervals
        on cycles.person_id = owner_intervals.owned_id and cycles.closed_at >= owner_intervals.valid_from
    where cycles.closed_at is not null
),

at_cut as (
    select
        owned_id as person_id,
        rep_id
    from owner_intervals
    where valid_to is null
),

charged as (
    select
        cycle_id,
        sum(segment_wm) filter (where not is_human) as routing_wm,
        sum(segment_wm) filter (where is_human) as owner_wm,
        sum(segment_owner_wm) filter (where is_human) as owner_delay_wm
    from segments
    group by cycle_id
)

select
    cycles.cycle_id,
    human_owners.rep_id as owner_at_entry_rep_id,
    at_qualification.rep_id as owner_at_qualification_rep_id,
    after_handover.rep_id as owner_after_handover_rep_id,
    at_cut.rep_id as owner_current_rep_id,
    cast(coalesce(charged.routing_wm, 0) as {{ double() }}) as routing_wm,
    cast(coalesce(charged.owner_wm, 0) as {{ double() }}) as owner_wm,
    cast(coalesce(charged.owner_delay_wm, 0) as {{ double() }}) as owner_delay_wm,
    at_close.rep_id as owner_at_event_rep_id,
    human_owners.owned_at as first_owned_at
from cycles
left join human_owners on cycles.cycle_id = human_owners.cycle_id
left join at_qualification on cycles.cycle_id = at_qualification.cycle_id
left join after_handover on cycles.cycle_id = after_handover.cycle_id
left join at_close on cycles.cycle_id = at_close.cycle_id
left join at_cut on cycles.person_id = at_cut.person_id
left join charged on cycles.cycle_id = charged.cycle_id
