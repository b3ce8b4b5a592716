{#- The cumulative incidence at one `horizon` (an expression over the groups): one row per group with aj_n, aj_k (events
    by then), aj_known (whose fate at the horizon is known), aj_incidence and its band. aj_is_followed is
    false when nobody was followed to the horizon while some were still waiting: the incidence there is not known, and
    what is given is that of the last time seen. Where the log-log band does not exist (nobody, or everybody) it is
    Wilson's over those whose fate is known. -#}
{% macro aalen_johansen_at(relation, groups, time_column, event_column, competing_column, horizon) -%}
    {%- set keys = groups | join(', ') -%}
    (
        select
            * exclude (log_low, log_high),
            coalesce(log_low, {{ wilson_interval('aj_k', 'aj_known', 'low') }}) as aj_ci_low,
            coalesce(log_high, {{ wilson_interval('aj_k', 'aj_known', 'high') }}) as aj_ci_high,
            case when log_low is null then 'wilson' else 'aalen_johansen_log_log' end as aj_ci_method
        from (
            select
                {{ keys }},
                cast(sum(leaving) as bigint) as aj_n,
                cast(coalesce(sum(case when t <= {{ horizon }} then events end), 0) as bigint) as aj_k,
                cast(
                    sum(leaving) - coalesce(sum(case when t < {{ horizon }} then leaving - events - competing end), 0)
                    as bigint
                ) as aj_known,
                greatest(0.0, least(1.0, coalesce(max(case when t <= {{ horizon }} then incidence end), 0.0)))
                    as aj_incidence,
                arg_max_null(ci_low, t) filter (where t <= {{ horizon }}) as log_low,
                arg_max_null(ci_high, t) filter (where t <= {{ horizon }}) as log_high,
                bool_or(t >= {{ horizon }})
                or coalesce(min(case when t <= {{ horizon }} then survival end) = 0.0, false) as aj_is_followed
            from {{ aalen_johansen(relation, groups, time_column, event_column, competing_column) }} as aj_steps
            group by {{ keys }}
        ) as aj_groups
    )
{%- endmacro %}
