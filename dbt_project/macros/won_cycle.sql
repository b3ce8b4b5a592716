{#- Days to won with lost as a competing event (Aalen-Johansen), one row per group of `groups`: n, the median among the
    eventual customers, and the share still open where follow-up ends. `weight` counts a row more than once or not at
    all, as a resampling does. -#}
{% macro won_cycle(relation, groups, time_column, status_column, weight='1') -%}
    {%- set keys = groups | join(', ') -%}
    (
        with cycle_tied as (
            select
                {{ keys }},
                cast({{ time_column }} as double) as t,
                sum({{ weight }}) as leaving,
                sum(case when {{ status_column }} = 'won' then {{ weight }} else 0 end) as won,
                sum(case when {{ status_column }} in ('won', 'lost') then {{ weight }} else 0 end) as settled
            from {{ relation }}
            group by {{ keys }}, cast({{ time_column }} as double)
            having sum({{ weight }}) > 0
        ),

        cycle_at_risk as (
            select
                *,
                sum(leaving) over (
                    partition by {{ keys }} order by t desc rows between unbounded preceding and current row
                ) as n_at_risk
            from cycle_tied
        ),

        cycle_open as (
            select
                *,
                case
                    when settled = n_at_risk then 0.0
                    else
                        exp(sum(case when settled < n_at_risk then ln(1.0 - cast(settled as double) / n_at_risk) end) over (
                            partition by {{ keys }} order by t rows between unbounded preceding and current row
                        ))
                end as still_open
            from cycle_at_risk
        ),

        cycle_open_before as (
            select
                *,
                coalesce(lag(still_open) over (partition by {{ keys }} order by t), 1.0) as still_open_before
            from cycle_open
        ),

        cycle_incidence as (
            select
                *,
                sum(still_open_before * won / n_at_risk) over (
                    partition by {{ keys }} order by t rows between unbounded preceding and current row
                ) as won_share
            from cycle_open_before
        ),

        cycle_final as (
            select
                *,
                max(won_share) over (partition by {{ keys }}) as final_won_share,
                min(still_open) over (partition by {{ keys }}) as final_still_open
            from cycle_incidence
        )

        select
            {{ keys }},
            sum(leaving) as deal_count,
            min(case when final_won_share > 0 and won_share >= final_won_share / 2.0 - 1e-9 then t end) as median_days,
            max(final_still_open) as still_open_share
        from cycle_final
        group by {{ keys }}
    )
{%- endmacro %}
