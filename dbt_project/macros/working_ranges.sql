{#- The openings of a relation of days (calendar, date_day, working_minutes, starts_utc, ends_utc) as UTC ranges, with
    the minutes and the days worked on the same calendar before each: the working time between two instants is one
    subtraction. -#}
{% macro working_ranges(days) -%}
    select
        calendar,
        date_day,
        start_utc,
        end_utc,
        cast(day_minutes as {{ double() }}) as day_minutes,
        cast(interval_minutes as {{ double() }}) as interval_minutes,
        {% for name, worked in [('cum_minutes_before', 'interval_minutes'),
            ('cum_days_before', 'interval_minutes / day_minutes')] -%}
            cast(
                coalesce(
                    sum({{ worked }}) over (
                        partition by calendar order by start_utc rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as {{ double() }}
            ) as {{ name }}{{ '' if loop.last else ',' }}
        {% endfor %}
    from (
        select
            *,
            (epoch(end_utc) - epoch(start_utc)) / 60.0 as interval_minutes
        from (
            select
                calendar,
                date_day,
                working_minutes as day_minutes,
                unnest(starts_utc) as start_utc,
                unnest(ends_utc) as end_utc
            from {{ days }}
            where working_minutes > 0
        ) as openings
    ) as measured
{%- endmacro %}
