-- The same shape of every CRM that this company has, one below the other.
-- `ref` names the models at parse time, so a CRM that is not configured is not even built.
{% macro union_crms(shape) -%}
    {%- for kind in var('source_kinds') %}
select * from {{ ref('int_' ~ kind ~ '__' ~ shape) }}
        {%- if not loop.last %}
union all by name
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
