{#- HubSpot's history of the followed properties of a kind of record. -#}
{% macro hubspot_history(history, key) -%}
with

source as (
    select * from {{ history }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as {{ key }},
        field,
        nullif(trim(value), '') as new_value,
        nullif(trim(changed_by), '') as changed_by_user_id,
        upper(nullif(trim(source_type), '')) as source_type,
        seen_live as is_seen_live,
        changed_at
    from source
)

select * from renamed
{%- endmacro %}
