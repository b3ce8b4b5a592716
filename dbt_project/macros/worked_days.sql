{#- Working days elapsed up to an instant, the current day by the share of its hours that has passed. -#}
{% macro worked_days(instant) -%}
    coalesce(
        int_working_intervals.cum_days_before
        + least(
            epoch({{ instant }}) - epoch(int_working_intervals.start_utc),
            epoch(int_working_intervals.end_utc) - epoch(int_working_intervals.start_utc)
        ) / 60.0 / int_working_intervals.day_minutes,
        0.0
    )
{%- endmacro %}
