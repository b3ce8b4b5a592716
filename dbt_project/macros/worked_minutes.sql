{#- Working minutes elapsed up to an instant on the calendar of `intervals` (the company's unless named), once it has
    been asof-joined on it. The minutes between two instants are the difference of two of these. -#}
{% macro worked_minutes(instant, intervals='int_working_intervals') -%}
    coalesce(
        {{ intervals }}.cum_minutes_before
        + least(
            epoch({{ instant }}) - epoch({{ intervals }}.start_utc),
            epoch({{ intervals }}.end_utc) - epoch({{ intervals }}.start_utc)
        ) / 60.0,
        0.0
    )
{%- endmacro %}
