-- Every value of a CRM's staging models that could not be cast: one row a value.
{% macro unnest_failed_casts(kind, object_names) -%}
    {%- for object_name in object_names %}
select
    '{{ kind }}' as source_crm,
    '{{ object_name }}' as object_name,
    unnest(failed_casts) as field
from {{ ref('stg_' ~ kind ~ '__' ~ object_name) }}
        {%- if not loop.last %}
union all by name
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
