{#- A number as a reader of the language writes it: 1,5 in Dutch, 1.5 in English. -#}
{% macro number_text(value, decimals, language) -%}
    {%- if language == 'nl' -%}
        replace(format('{:.{{ decimals }}f}', cast({{ value }} as double)), '.', ',')
    {%- else -%}
        format('{:.{{ decimals }}f}', cast({{ value }} as double))
    {%- endif -%}
{%- endmacro %}
