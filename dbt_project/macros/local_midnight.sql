{#- The instant a local day begins. -#}
{% macro local_midnight(day) -%}
    timezone('{{ var("timezone") }}', cast({{ day }} as timestamp))
{%- endmacro %}
