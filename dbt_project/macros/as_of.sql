{#- The run's only moment. SQL in this project never asks the machine what time it is. -#}
{% macro as_of() -%}
    cast('{{ var("as_of") }}' as timestamptz)
{%- endmacro %}
