{#- The cumulative incidence at one `horizon` (an expression over the groups): one row per group with aj_n, aj_k (events
    by then), aj_known (whose fate at the horizon is known), aj_incidence and its band. aj_is_followed is
    false when nobody was followed to the horizon while some were still waiting: the incidence there is not known, and
    what is given is that of the last time seen. All that comes after the horizon is one time to it, so that the cost does
    not follow what is years old. Where the log-log band does not exist (nobody, or everybody) it is
    Wilson's over those whose fate is known. -#}
{% macro aalen_johansen_at(relation, groups, time_column, event_column, competing_column, horizon) -%}
    {%- set keys = groups | join(', ') -%}
    {%- set is_later = 'cast(' ~ time_column ~ ' as double) > ' ~ horizon -%}
    {%- set capped -%}
        (
            select
                {{ keys }},
                case when {{ is_later }} then {{ horizon }} + 1.0 else cast({{ time_column }} as double) end as capped_time,
                coalesce({{ event_column }}, false) and not ({{ is_later }}) as capped_event,
                coalesce({{ competing_column }}, false) and not ({{ is_later }}) as capped_competing
            from {{ relation }}
            where {{ time_column }} is not null
        )
    {%- endset -%}
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
            from {{ aalen_johansen(capped, groups, 'capped_time', 'capped_event', 'capped_competing') }} as aj_steps
            group by {{ keys }}
        ) as aj_groups
    )
{%- endmacro %}
