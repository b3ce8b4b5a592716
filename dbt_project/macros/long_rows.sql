{#- The rows of one mart for the long table: its key columns as one pair (what the row is about, and which one), its
    period, and the whole row as a JSON document. Which of its columns are metrics is data: int_metric_sources.

    `keys` are the columns that, with the period, make a row unique; `slice_type` and `slice_value` (or `scope_…`) among
    them are already such a pair; without keys a row is about all. `period_type` is a column or a quoted constant,
    `period_start` a column or NULL. -#}
{% macro long_rows(mart, keys, period_type, period_start) -%}
    {%- set pair = ['slice_type', 'slice_value'] if 'slice_type' in keys else ['scope_type', 'scope_value'] -%}
    {%- set has_pair = pair[0] in keys -%}
    {%- set others = keys | reject('in', pair) | list -%}
    select
        '{{ mart }}' as table_name,
        {%- if keys %}
        concat_ws(' x '
            {%- if has_pair %}, {{ pair[0] }}{% endif %}
            {%- for key in others %}, '{{ key }}'{% endfor -%}
        ) as slice_type,
        concat_ws(' | '
            {%- if has_pair %}, {{ pair[1] }}{% endif %}
            {%- for key in others %}, coalesce(cast({{ key }} as text), ''){% endfor -%}
        ) as slice_value,
        {%- else %}
        'all' as slice_type,
        'all' as slice_value,
        {%- endif %}
        {{ period_type }} as period_type,
        cast({{ period_start }} as date) as period_start,
        to_json(rows_of_mart) as document
    from {{ ref(mart) }} as rows_of_mart
{%- endmacro %}
