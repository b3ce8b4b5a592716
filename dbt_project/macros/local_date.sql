{#- The day an instant falls on in the company's zone: 23:30 UTC on 31 January is February in Amsterdam. -#}
{% macro local_date(instant) -%}
    cast(timezone('{{ var("timezone") }}', {{ instant }}) as date)
{%- endmacro %}
