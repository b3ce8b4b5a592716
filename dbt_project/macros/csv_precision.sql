{#- Spreadsheets turn a date into midnight, so an exported moment at exactly 00:00 local is a day too. -#}
{% macro csv_precision(column) -%}
    case
        when {{ csv_instant(column) }} is null then null
        when {{ csv_instant(column) }} = {{ local_midnight(local_date(csv_instant(column))) }} then 'day'
        else 'instant'
    end
{%- endmacro %}
