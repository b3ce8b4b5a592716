{#- The measures every family of findings gives, of a relation as `finding_shares` makes it. -#}
{% macro finding_columns(relation) -%}
    {{ relation }}.rule_id,
    {{ relation }}.scope_value,
    {{ relation }}.last_month,
    {{ relation }}.k,
    {{ relation }}.n,
    {{ relation }}.estimate,
    {{ relation }}.ci_low,
    {{ relation }}.ci_high,
    {{ relation }}.threshold,
    {{ relation }}.figure,
    {{ relation }}.status,
    {{ relation }}.is_certain
{%- endmacro %}
