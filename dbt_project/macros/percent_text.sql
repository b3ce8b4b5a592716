{#- A share as a whole percentage in words. -#}
{% macro percent_text(share) -%}
    format('{:.0f} %', 100.0 * cast({{ share }} as double))
{%- endmacro %}
