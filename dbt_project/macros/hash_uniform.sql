{#- A number between 0 and 1 that looks drawn but is the same every time: the same publication must come out of the same
    data. `text` is what it depends on. -#}
{% macro hash_uniform(text) -%}
    ((cast(md5_number_lower({{ text }}) % 1000000007 as double) + 0.5) / 1000000007.0)
{%- endmacro %}
