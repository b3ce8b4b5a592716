{#- Working minutes elapsed on the company calendar up to an instant, once int_working_intervals has been
    asof-joined on it. The minutes between two instants are the difference of two of these. -#}
{% macro worked_minutes(instant) -%}
    coalesce(
        int_working_intervals.cum_minutes_before
        + least(
            epoch({{ instant }}) - epoch(int_working_intervals.start_utc),
            epoch(int_working_intervals.end_utc) - epoch(int_working_intervals.start_utc)
        ) / 60.0,
        0.0
    )
{%- endmacro %}
