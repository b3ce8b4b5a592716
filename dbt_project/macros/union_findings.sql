{#- The families of findings, each a model int_finding_<family>, one below the other. -#}
{% macro union_findings(families) -%}
    {%- for family in families %}
    select * from {{ ref('int_finding_' ~ family) }}
        {%- if not loop.last %}
    union all by name
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
