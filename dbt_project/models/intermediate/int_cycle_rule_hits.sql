{{ config(materialized='table') }}

with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

contact_keys as (
    select * from {{ ref('int_contact_keys') }}
    where record_kind = 'lead'
),

rules as (
    select * from {{ ref('stg_config__exclusion_rules') }}
),

-- What a rule may look at. A merged or double person is judged by all its records: a test form makes it a test.
cycle_values as (
    select
        cycles.cycle_id,
        'source' as field,
        unnest([lower(records.source), lower(records.source_value)]) as value
    from cycles
    inner join records on cycles.lead_id = records.lead_id
    union
    select
        cycle_id,
        'lead_id' as field,
        unnest([lower(lead_id), lower(split_part(lead_id, ':', 2))]) as value
    from cycles
    union
    select
        cycles.cycle_id,
        'email_domain' as field,
        contact_keys.domain_key as value
    from cycles
    inner join records on cycles.person_id = records.person_id
    inner join contact_keys on records.lead_id = contact_keys.record_id
)

select distinct
    cycle_values.cycle_id,
    rules.rule_id,
    rules.reason
from cycle_values
inner join rules
    on
        cycle_values.field = rules.field
        and (
            (rules.comparator = 'equals' and cycle_values.value = rules.compared_with)
            or (rules.comparator = 'matches' and cycle_values.value like rules.compared_with escape '!')
        )
