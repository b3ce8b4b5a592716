{#- dbt.type_float() is 32 bits on DuckDB; ratios would differ from other engines in the 8th digit. -#}
{% macro double() -%}
    double
{%- endmacro %}
