{#- Who owned each record of an object from when on. Salesforce tells a change of owner twice, with names and with ids;
    the id of a user begins with 005, that of a queue with 00G. Without such entries the nights' own snapshots tell;
    the first owner we know of is taken to have been the owner from the start. -#}
{% macro salesforce_owner_turns(record_kind, id, records, history, snapshots) -%}
with

records as (
    select * from {{ ref(records) }}
),

history as (
    select * from {{ ref(history) }}
    where
        field in ('Owner', 'ownerAssignment', 'ownerAccepted')
        and regexp_full_match(new_value, '00[5G][A-Za-z0-9]{12}([A-Z0-5]{3})?')
),

snapshots as (
    select * from {{ ref(snapshots) }}
    where field = 'owner_id'
),

first_changes as (
    select
        {{ id }},
        arg_min(old_value, (changed_at, history_id)) as first_owner_id
    from history
    group by {{ id }}
),

seen as (
    select
        {{ id }},
        field_value,
        seen_at,
        lag(field_value) over (partition by {{ id }} order by seen_at, field_value) as previous_value,
        row_number() over (partition by {{ id }} order by seen_at, field_value) as seen_no
    from snapshots
),

turns as (
    select
        history.{{ id }},
        {{ source_key('salesforce', 'history.new_value') }} as owner_id,
        history.changed_at
    from history
    union all by name
    select
        records.{{ id }},
        coalesce({{ source_key('salesforce', 'first_changes.first_owner_id') }}, records.owner_id) as owner_id,
        records.created_at as changed_at
    from records
    left join first_changes on records.{{ id }} = first_changes.{{ id }}
    left join seen on records.{{ id }} = seen.{{ id }} and seen.seen_no = 1
    where first_changes.{{ id }} is not null or seen.{{ id }} is null
    union all by name
    select
        seen.{{ id }},
        {{ source_key('salesforce', 'seen.field_value') }} as owner_id,
        case when seen.seen_no = 1 then records.created_at else seen.seen_at end as changed_at
    from seen
    inner join records on seen.{{ id }} = records.{{ id }}
    where
        seen.field_value is distinct from seen.previous_value
        and seen.{{ id }} not in (select first_changes.{{ id }} from first_changes)
)

select
    'salesforce' as source_crm,
    '{{ record_kind }}' as record_kind,
    {{ id }} as record_id,
    owner_id,
    changed_at
from turns
where owner_id is not null and changed_at is not null
{%- endmacro %}
