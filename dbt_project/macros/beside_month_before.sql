{#- The rows of a month mart, each rate of `rates` with its chance to be better than in the month before, of the same
    slice. A chance is no ranking: it says whether a change is more than noise. Stands where a relation can stand. -#}
{% macro beside_month_before(relation, rates, lower_is_better=[]) -%}
    (
        select
            now.*
            {%- for rate in rates %},
            {{ p_better(rate, 'now', 'earlier', lower_is_better=rate in lower_is_better) }}
            {%- endfor %}
        from {{ relation }} as now
        left join {{ relation }} as earlier
            on
                now.slice_type = earlier.slice_type
                and now.slice_value = earlier.slice_value
                and now.month = earlier.month + interval 1 month
    )
{%- endmacro %}
