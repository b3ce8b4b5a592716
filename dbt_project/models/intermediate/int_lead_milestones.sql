{{ config(materialized='table') }}

with

states as (
    select * from {{ ref('int_crm__lead_states') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

placed as (
    select
        states.*,
        records.person_id
    from states
    inner join records on states.lead_id = records.lead_id
    where states.changed_at <= {{ as_of() }}
),

-- Moving on within the milestone (qualified, then opportunity, then customer) is one stay.
compared as (
    select
        *,
        lag(milestone) over (
            partition by lead_id, state_field order by changed_at, state_value, milestone
        ) as previous_milestone
    from placed
),

turns as (
    select * from compared
    where milestone is distinct from previous_milestone
),

stays as (
    select
        *,
        lead(changed_at) over (
            partition by lead_id, state_field order by changed_at, state_value, milestone
        ) as left_at,
        lead(changed_by_key) over (
            partition by lead_id, state_field order by changed_at, state_value, milestone
        ) as left_by_key,
        lead(state_value) over (
            partition by lead_id, state_field order by changed_at, state_value, milestone
        ) as left_for
    from turns
),

-- What a merge wrote is credited only if nothing of the same kind was reached before it.
reached as (
    select
        stays.source_crm,
        stays.lead_id,
        stays.person_id,
        stays.state_field,
        stays.milestone,
        stays.state_value,
        stays.changed_by_rep_id as rep_source_id,
        stays.changed_precision as reached_precision,
        coalesce(
            stays.left_at <= stays.changed_at + interval 24 hours and stays.left_by_key = stays.changed_by_key,
            false
        ) as is_correction,
        stays.is_possibly_inherited,
        stays.changed_at as reached_at,
        {{ effective_instant('stays.changed_at', 'stays.changed_precision') }} as effective_at,
        stays.left_at,
        stays.left_for
    from stays
    where stays.milestone is not null
),

inherited as (
    select
        *,
        is_possibly_inherited
        and min(reached_at) over (partition by person_id, milestone) < reached_at as is_inherited
    from reached
)

select * exclude (is_possibly_inherited) from inherited
