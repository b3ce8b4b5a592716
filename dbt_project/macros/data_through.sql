{#- Until when the slowest source is complete; the cut itself when the run does not say. -#}
{% macro data_through() -%}
    cast('{{ var("data_through") or var("as_of") }}' as timestamptz)
{%- endmacro %}
