with

named as (
    select * from {{ ref('int_crm__reps') }}
),

people as (
    select * from {{ ref('stg_config__people') }}
)

-- Somebody whom only a record mentions is taken for a person, and active.
select
    people.rep_id as rep_source_id,
    people.rep_key as rep_id,
    people.label,
    people.seniority,
    people.hours_week,
    people.hired_on,
    coalesce(named.is_human, true) as is_human,
    coalesce(named.is_active, true) as is_active
from people
left join named on people.rep_id = named.rep_source_id
