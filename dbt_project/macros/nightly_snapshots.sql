{#- What each night saw in the followed fields of a record, where the CRM itself keeps no history of them. -#}
{% macro nightly_snapshots(snapshots, source_crm, key, seen_value) -%}
with

source as (
    select * from {{ snapshots }}
),

renamed as (
    select
        {{ source_key(source_crm, 'id') }} as {{ key }},
        field,
        nullif(trim(value), '') as {{ seen_value }},
        changed_at as seen_at
    from source
)

select * from renamed
{%- endmacro %}
