{{ config(materialized='table') }}

with

changes as (
    select * from {{ ref('int_crm__owner_changes') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

reps as (
    select * from {{ ref('int_reps') }}
),

-- The work on a lead is the work on a person, so owners of merged records form one line.
keyed as (
    select
        changes.source_crm,
        changes.record_kind,
        coalesce(records.person_id, changes.record_id) as owned_id,
        changes.record_id,
        changes.owner_id,
        changes.changed_at
    from changes
    left join records on changes.record_kind = 'lead' and changes.record_id = records.lead_id
    where
        changes.changed_at <= {{ as_of() }}
        and (changes.record_kind = 'deal' or records.lead_id is not null)
),

last_of_instant as (
    select * from keyed
    qualify row_number() over (
        partition by record_kind, owned_id, changed_at order by record_id desc, owner_id desc nulls last
    ) = 1
),

turns as (
    select
        *,
        lag(owner_id) over (partition by record_kind, owned_id order by changed_at) as previous_owner_id,
        row_number() over (partition by record_kind, owned_id order by changed_at) as change_no
    from last_of_instant
),

intervals as (
    select
        *,
        lead(changed_at) over (partition by record_kind, owned_id order by changed_at) as valid_to
    from turns
    where change_no = 1 or owner_id is distinct from previous_owner_id
)

-- A queue or a round-robin user owns nothing: until a person has the lead, the time is routing.
select
    intervals.source_crm,
    intervals.record_kind,
    intervals.owned_id,
    intervals.owner_id as owner_source_id,
    case when reps.is_human then reps.rep_id end as rep_id,
    coalesce(reps.is_human, false) as is_human,
    intervals.changed_at as valid_from,
    intervals.valid_to
from intervals
left join reps on intervals.owner_id = reps.rep_source_id
