{{ config(materialized='table') }}

with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
    where qualified_at is not null
),

cycle_owners as (
    select * from {{ ref('int_cycle_owners') }}
),

cycle_touches as (
    select * from {{ ref('int_cycle_touches') }}
    where is_human_attempt
),

touch_roles as (
    select * from {{ ref('int_touch_roles') }}
),

customers as (
    select * from {{ ref('int_cycle_customers') }}
),

deal_cycles as (
    select * from {{ ref('int_deal_cycles') }}
    where link_confidence >= 0.85
),

deals as (
    select * from {{ ref('int_deals') }}
),

stage_intervals as (
    select * from {{ ref('int_deal_stage_intervals') }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'deal'
),

milestones as (
    select * from {{ ref('int_lead_milestones') }}
    where not is_correction and not is_inherited
),

reps as (
    select * from {{ ref('int_reps') }}
    where is_human
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

qualifiers as (
    select
        cycles.cycle_id,
        coalesce(reps.rep_id, customers.qualified_by_rep_id, cycle_owners.owner_at_qualification_rep_id)
            as qualifier_rep_id
    from cycles
    left join reps on cycles.qualified_by_source_id = reps.rep_source_id
    left join customers on cycles.cycle_id = customers.cycle_id
    left join cycle_owners on cycles.cycle_id = cycle_owners.cycle_id
),

-- Who owns the deal a day after it was made took it over; later owners are another story.
first_deals as (
    select
        deal_cycles.cycle_id,
        deals.deal_id,
        deals.closed_by_id,
        least(
            coalesce(deals.first_seen_at, {{ as_of() }}) + interval 1 day,
            coalesce(deals.closed_at, {{ as_of() }}),
            {{ as_of() }}
        ) as settled_at
    from deal_cycles
    inner join deals on deal_cycles.deal_id = deals.deal_id
    qualify row_number() over (
        partition by deal_cycles.cycle_id order by deals.first_seen_at nulls last, deals.deal_id
    ) = 1
),

deal_owners as (
    select
        first_deals.cycle_id,
        coalesce(reps.rep_id, owner_intervals.rep_id) as rep_id
    from first_deals
    asof left join owner_intervals
        on first_deals.deal_id = owner_intervals.owned_id and first_deals.settled_at >= owner_intervals.valid_from
    left join reps on first_deals.closed_by_id = reps.rep_source_id
),

closers as (
    select
        cycles.cycle_id,
        coalesce(deal_owners.rep_id, cycle_owners.owner_after_handover_rep_id) as closer_rep_id
    from cycles
    left join deal_owners on cycles.cycle_id = deal_owners.cycle_id
    left join cycle_owners on cycles.cycle_id = cycle_owners.cycle_id
),

-- The closer's first touch: by whoever has that role then, or by who took the lead over.
closer_touches as (
    select
        cycles.cycle_id,
        cycle_touches.touch_id,
        cycle_touches.touch_precision,
        cycle_touches.completed_at
    from cycles
    inner join closers on cycles.cycle_id = closers.cycle_id
    inner join cycle_touches on cycles.cycle_id = cycle_touches.cycle_id
    inner join touch_roles on cycle_touches.touch_id = touch_roles.touch_id
    left join reps on cycle_touches.rep_source_id = reps.rep_source_id
    where
        cycle_touches.completed_at >= cycles.qualified_at
        and (touch_roles.role_at_event = 'closer' or reps.rep_id = closers.closer_rep_id)
    qualify row_number() over (
        partition by cycles.cycle_id order by cycle_touches.completed_at, cycle_touches.touch_id
    ) = 1
),

stage_acceptances as (
    select
        deal_cycles.cycle_id,
        min(stage_intervals.entered_at) as accepted_at
    from deal_cycles
    inner join stage_intervals on deal_cycles.deal_id = stage_intervals.deal_id
    where stage_intervals.is_accepted
    group by deal_cycles.cycle_id
),

-- Sent back: the stage was undone more than a day later, or the lead was disqualified after all.
refusals as (
    select
        cycles.cycle_id,
        milestones.left_at as rejected_at,
        milestones.left_for as rejected_reason
    from cycles
    inner join milestones
        on cycles.lead_id = milestones.lead_id and cycles.closed_effective_at = milestones.effective_at
    where milestones.milestone = 'qualified' and milestones.left_at is not null
    union all by name
    select
        cycles.cycle_id,
        milestones.reached_at as rejected_at,
        milestones.state_value as rejected_reason
    from cycles
    inner join milestones on cycles.person_id = milestones.person_id
    where
        milestones.milestone = 'disqualified'
        and milestones.reached_at > cycles.qualified_at
        and (cycles.next_entered_at is null or milestones.reached_at < cycles.next_entered_at)
),

first_refusals as (
    select * from refusals
    qualify row_number() over (partition by cycle_id order by rejected_at, rejected_reason) = 1
),

joined as (
    select
        cycles.cycle_id,
        qualifiers.qualifier_rep_id,
        closers.closer_rep_id,
        closer_touches.touch_precision as closer_touch_precision,
        closer_touches.completed_at as first_closer_touch_at,
        coalesce(stage_acceptances.accepted_at, customers.customer_at) as stage_accepted_at,
        case
            when
                stage_acceptances.accepted_at <= first_refusals.rejected_at
                or customers.customer_at <= first_refusals.rejected_at
                then null
            else first_refusals.rejected_at
        end as rejected_at,
        first_refusals.rejected_reason,
        cycles.qualified_at
    from cycles
    left join qualifiers on cycles.cycle_id = qualifiers.cycle_id
    left join closers on cycles.cycle_id = closers.cycle_id
    left join closer_touches on cycles.cycle_id = closer_touches.cycle_id
    left join customers on cycles.cycle_id = customers.cycle_id
    left join stage_acceptances on cycles.cycle_id = stage_acceptances.cycle_id
    left join first_refusals on cycles.cycle_id = first_refusals.cycle_id
),

points as (
    select
        cycle_id,
        'qualified' as clock_point,
        qualified_at as reached_at
    from joined
    union all by name
    select
        cycle_id,
        'touch' as clock_point,
        first_closer_touch_at as reached_at
    from joined
    union all by name
    select
        cycle_id,
        'rejected' as clock_point,
        rejected_at as reached_at
    from joined
    union all by name
    select
        cycle_id,
        'cut' as clock_point,
        {{ as_of() }} as reached_at
    from joined
),

read as (
    select
        points.cycle_id,
        points.clock_point,
        {{ worked_minutes('points.reached_at') }} as worked_minutes,
        {{ worked_days('points.reached_at') }} as worked_days
    from points
    asof left join int_working_intervals on points.reached_at >= int_working_intervals.start_utc
    where points.reached_at is not null
),

clocks as (
    select
        cycle_id,
        max(worked_minutes) filter (where clock_point = 'qualified') as qualified_minutes,
        max(worked_minutes) filter (where clock_point = 'touch') as touch_minutes,
        max(worked_minutes) filter (where clock_point = 'cut') as cut_minutes,
        max(worked_days) filter (where clock_point = 'qualified') as qualified_days,
        max(worked_days) filter (where clock_point = 'cut') as cut_days,
        max(worked_days) filter (where clock_point = 'touch') as touch_days,
        max(worked_days) filter (where clock_point = 'rejected') as rejected_days
    from read
    group by cycle_id
)

select
    joined.cycle_id,
    joined.qualifier_rep_id,
    joined.closer_rep_id,
    joined.closer_touch_precision,
    case when joined.rejected_at is not null then joined.rejected_reason end as rejected_reason,
    clocks.touch_minutes - clocks.qualified_minutes as handover_wm,
    clocks.cut_minutes - clocks.qualified_minutes as waiting_wm,
    clocks.cut_days - clocks.qualified_days as age_working_days,
    case
        when
            joined.rejected_at is null
            or joined.first_closer_touch_at > joined.rejected_at
            or clocks.rejected_days - clocks.touch_days > 10
            then least(
                joined.stage_accepted_at,
                case
                    when coalesce(joined.first_closer_touch_at <= joined.rejected_at, true)
                        then joined.first_closer_touch_at
                end
            )
        else joined.stage_accepted_at
    end as accepted_at,
    joined.first_closer_touch_at,
    joined.rejected_at
from joined
inner join clocks on joined.cycle_id = clocks.cycle_id
