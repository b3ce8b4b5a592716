{{ config(materialized='table') }}

-- Postings: what the CRM counts of records and of stages they were put in, and what each cause takes off or puts
-- elsewhere. A count at any point is the sum of the postings so far.
with

records as (
    select * from {{ ref('int_lead_records') }}
    where not is_merged_away and created_at is not null
),

milestones as (
    select * from {{ ref('int_lead_milestones') }}
    where milestone = 'qualified'
),

owners_now as (
    select
        owned_id as person_id,
        coalesce(rep_id, 'unassigned') as rep_id
    from {{ ref('int_owner_intervals') }}
    where record_kind = 'lead' and valid_to is null
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

cycles as (
    select
        fct_lead_cycle.cycle_id,
        fct_lead_cycle.person_id,
        int_cycle_outcomes.motion = 'inbound' as is_inbound,
        coalesce(fct_lead_cycle.owner_current, 'unassigned') as owner_now,
        case when int_cycle_outcomes.motion = 'inbound' then int_cycle_outcomes.rep_id end as owner_then,
        fct_lead_cycle.entered_month as month,
        fct_lead_cycle.qualified_month,
        case
            when int_cycle_outcomes.is_counted then null
            when fct_lead_cycle.excluded_reason is not null then 'excluded'
            else 'bulk_import'
        end as out_because,
        int_cycle_outcomes.is_qualified_in_window,
        int_cycle_outcomes.is_old_enough,
        int_cycle_outcomes.has_qualification,
        coalesce(int_handover_outcomes.rep_id, 'unassigned') as closer,
        int_handover_outcomes.cycle_id is not null as is_handed_over,
        row_number() over (
            partition by fct_lead_cycle.person_id order by fct_lead_cycle.cycle_no, fct_lead_cycle.cycle_id
        ) as turn
    from fct_lead_cycle
    inner join int_cycle_outcomes on fct_lead_cycle.cycle_id = int_cycle_outcomes.cycle_id
    left join int_handover_outcomes on fct_lead_cycle.cycle_id = int_handover_outcomes.cycle_id
),

firsts as (
    select * from cycles
    where turn = 1
),

-- By person and not by record: which record of a merge opened the lead, only who read it before the merge knows.
ranked as (
    select
        *,
        row_number() over (partition by person_id order by created_at, lead_id) as record_no
    from records
),

-- The record as the CRM lists it; beside the first of a person the person's first lead.
made as (
    select
        ranked.person_id,
        firsts.cycle_id,
        coalesce(firsts.is_inbound, ranked.motion = 'inbound') as is_inbound,
        cast(date_trunc('month', {{ local_date('ranked.created_at') }}) as date) as made_month,
        firsts.month,
        coalesce(owners_now.rep_id, 'unassigned') as owner_now
    from ranked
    left join firsts on ranked.person_id = firsts.person_id and ranked.record_no = 1
    left join owners_now on ranked.person_id = owners_now.person_id
),

lead_moves as (
    select
        made_month as month,
        'crm' as cause,
        owner_now as rep_id,
        1 as n
    from made
    union all by name
    select
        made_month as month,
        case when is_inbound then 'same_person' else 'outbound' end as cause,
        owner_now as rep_id,
        -1 as n
    from made
    where cycle_id is null or not is_inbound
    union all by name
    -- The CRM does not say when the person's record was made.
    select
        cycles.month,
        'same_person' as cause,
        cycles.owner_now as rep_id,
        1 as n
    from cycles
    left join made on cycles.person_id = made.person_id
    where cycles.is_inbound and cycles.turn = 1 and made.person_id is null
    union all by name
    select
        unnest([made_month, month]) as month,
        'entry_moment' as cause,
        owner_now as rep_id,
        unnest([-1, 1]) as n
    from made
    where cycle_id is not null and is_inbound and made_month <> month
    union all by name
    select
        month,
        'reopened' as cause,
        owner_now as rep_id,
        1 as n
    from cycles
    where is_inbound and turn > 1
    union all by name
    select
        month,
        'owner' as cause,
        unnest([owner_now, owner_then]) as rep_id,
        unnest([-1, 1]) as n
    from cycles
    where is_inbound and owner_now <> owner_then
    union all by name
    select
        month,
        out_because as cause,
        owner_then as rep_id,
        -1 as n
    from cycles
    where is_inbound and out_because is not null
),

-- Who was marked counts once a month, whichever fields and records say so: of a merge the CRM knows the survivor only.
marks as (
    select
        milestones.person_id,
        cast(date_trunc('month', {{ local_date('milestones.reached_at') }}) as date) as month,
        coalesce(any_value(owners_now.rep_id), 'unassigned') as rep_id,
        bool_and(milestones.is_correction or coalesce(milestones.is_inherited, false)) as is_correction
    from milestones
    left join owners_now on milestones.person_id = owners_now.person_id
    group by milestones.person_id, cast(date_trunc('month', {{ local_date('milestones.reached_at') }}) as date)
),

mark_moves as (
    select
        month,
        'crm' as cause,
        rep_id,
        1 as k
    from marks
    union all by name
    select
        month,
        case when is_correction then 'corrections' else 'once_per_cycle' end as cause,
        rep_id,
        -1 as k
    from marks
    union all by name
    select
        qualified_month as month,
        'once_per_cycle' as cause,
        owner_now as rep_id,
        1 as k
    from cycles
    where qualified_month is not null
),

received_moves as (
    select * from mark_moves
    union all by name
    select
        qualified_month as month,
        'excluded' as cause,
        owner_now as rep_id,
        -1 as k
    from cycles
    where qualified_month is not null and not is_handed_over
    union all by name
    select
        qualified_month as month,
        'owner' as cause,
        unnest([owner_now, closer]) as rep_id,
        unnest([-1, 1]) as k
    from cycles
    where qualified_month is not null and is_handed_over and owner_now <> closer
),

conversion_moves as (
    select
        month,
        cause,
        rep_id,
        0 as k,
        n
    from lead_moves
    union all by name
    select
        *,
        0 as n
    from mark_moves
    union all by name
    select
        qualified_month as month,
        'outbound' as cause,
        owner_now as rep_id,
        -1 as k,
        0 as n
    from cycles
    where qualified_month is not null and not is_inbound
    union all by name
    select
        qualified_month as month,
        'owner' as cause,
        unnest([owner_now, owner_then]) as rep_id,
        unnest([-1, 1]) as k,
        0 as n
    from cycles
    where qualified_month is not null and is_inbound and owner_now <> owner_then
    union all by name
    select
        qualified_month as month,
        out_because as cause,
        owner_then as rep_id,
        -1 as k,
        0 as n
    from cycles
    where qualified_month is not null and is_inbound and out_because is not null
    union all by name
    select
        unnest([qualified_month, month]) as month,
        'cohort' as cause,
        owner_then as rep_id,
        unnest([-1, 1]) as k,
        0 as n
    from cycles
    where qualified_month <> month and is_inbound and out_because is null
    union all by name
    select
        month,
        'window' as cause,
        owner_then as rep_id,
        -1 as k,
        0 as n
    from cycles
    where qualified_month is not null and is_inbound and out_because is null and not is_qualified_in_window
    union all by name
    select
        month,
        case when is_old_enough then 'unrecorded' else 'too_young' end as cause,
        owner_then as rep_id,
        -cast(is_qualified_in_window as integer) as k,
        -1 as n
    from cycles
    where is_inbound and out_because is null and not (is_old_enough and has_qualification)
),

moves as (
    select
        'inbound_leads' as metric_id,
        month,
        cause,
        rep_id,
        n as k,
        cast(null as integer) as n
    from lead_moves
    union all by name
    select
        'qualified_received' as metric_id,
        *,
        cast(null as integer) as n
    from received_moves
    union all by name
    select
        'lead_to_qualified_conversion' as metric_id,
        *
    from conversion_moves
)

select
    metric_id,
    cause,
    month,
    rep_id,
    cast(sum(k) as bigint) as k,
    cast(sum(n) as bigint) as n
from moves
group by metric_id, cause, month, rep_id
