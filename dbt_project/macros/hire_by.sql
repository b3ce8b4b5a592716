{#- The day on which recruiting must have begun for somebody to carry a full load in the month of the crossing. A volume
    that falls below a threshold asks nobody to be hired. -#}
{% macro hire_by(cross_month, comparator) -%}
    cast(
        case
            when {{ comparator }} in ('>', '>=')
                then {{ cross_month }} - to_months({{ var('hire_months') + var('ramp_months') }})
        end as date
    )
{%- endmacro %}
