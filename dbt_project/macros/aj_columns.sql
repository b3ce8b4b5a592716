{#- The columns that incidence_columns reads, taken from one relation of a join. -#}
{% macro aj_columns(relation) -%}
    {{ relation }}.aj_n,
    {{ relation }}.aj_k,
    {{ relation }}.aj_known,
    {{ relation }}.aj_incidence,
    {{ relation }}.aj_ci_low,
    {{ relation }}.aj_ci_high,
    {{ relation }}.aj_ci_method,
    {{ relation }}.aj_is_followed
{%- endmacro %}
