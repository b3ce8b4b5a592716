{#- One of Salesforce's histories of tracked fields: the same columns for every object, apart from that of the record. -#}
{% macro salesforce_field_history(history, record_column, key) -%}
with

source as (
    select * from {{ history }}
),

renamed as (
    select
        id as history_id,
        {{ source_key('salesforce', record_column) }} as {{ key }},
        {{ source_key('salesforce', 'created_by_id') }} as changed_by_id,
        field,
        nullif(trim(old_value), '') as old_value,
        nullif(trim(new_value), '') as new_value,
        {{ try_cast('created_date', 'timestamptz') }} as changed_at,
        {{ failed_casts([
            ['created_date', try_cast('created_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
{%- endmacro %}
