{#- dbt.safe_cast is a plain cast on DuckDB: one bad string would stop the night. A failed cast gives
    null here and is counted in int_failed_casts. -#}
{% macro try_cast(expression, data_type) -%}
    try_cast(nullif(trim({{ expression }}), '') as {{ data_type }})
{%- endmacro %}
