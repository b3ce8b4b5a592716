{#- One row per group: n, answered, median with its interval (where the log-log band crosses one half), P90 and the
    mean restricted to `tau`. A quantile that is not reached is NULL. The restricted mean is NULL when follow-up ends
    before tau with somebody still waiting: the area to the right of the last observation is not known. -#}
{% macro kaplan_meier_summary(relation, groups, time_column, event_column, tau) -%}
    {%- set keys = groups | join(', ') -%}
    {#- The product of fractions misses one half by a rounding step; without the tolerance a median moves a step. -#}
    {%- set half = '0.5 + 1e-9' -%}
    (
        select
            {{ keys }},
            cast(sum(leaving) as bigint) as n,
            cast(sum(events) as bigint) as answered,
            min(case when survival <= {{ half }} then t end) as median,
            min(case when ci_low <= {{ half }} then t end) as median_ci_low,
            min(case when ci_high <= {{ half }} then t end) as median_ci_high,
            min(case when survival <= 0.1 + 1e-9 then t end) as p90,
            case
                when max(t) >= {{ tau }} or min(survival) = 0.0
                    then
                        least(min(t), {{ tau }})
                        + sum(survival * (least(coalesce(next_t, {{ tau }}), {{ tau }}) - least(t, {{ tau }})))
            end as mean_restricted
        from (
            select
                *,
                lead(t) over (partition by {{ keys }} order by t) as next_t
            from {{ kaplan_meier(relation, groups, time_column, event_column) }} as km_steps
        ) as km_intervals
        group by {{ keys }}
    )
{%- endmacro %}
