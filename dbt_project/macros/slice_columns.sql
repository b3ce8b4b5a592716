{#- Names the slice of a row grouped by the sets (month), (month, source), (month, rep_id). -#}
{% macro slice_columns() -%}
    case when grouping(source) = 0 then 'source' when grouping(rep_id) = 0 then 'rep' else 'all' end as slice_type,
    case
        when grouping(source) = 0 then source
        when grouping(rep_id) = 0 then rep_id
        else 'all'
    end as slice_value
{%- endmacro %}
