{#- Where a moment sorts: an instant where it is, a day at its last microsecond. A call known by its day
    only must not seem to come before the lead that arrived on the same day. -#}
{% macro effective_instant(instant, precision) -%}
    case
        when {{ precision }} = 'day'
            then {{ local_midnight('(' ~ local_date(instant) ~ ' + 1)') }} - interval 1 microsecond
        else {{ instant }}
    end
{%- endmacro %}
