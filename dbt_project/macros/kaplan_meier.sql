{#- Kaplan-Meier steps of `relation` by `groups` (a list of column names): one row per distinct time with at_risk,
    events, leaving, survival (right after that time) and its log-log 95 % band (Greenwood variance).
    Where nobody is left the upper bound is unknown (NULL). Stands where a relation can stand. -#}
{% macro kaplan_meier(relation, groups, time_column, event_column) -%}
    {%- set z = '1.959963984540054' -%}
    {%- set keys = groups | join(', ') -%}
    (
        with km_tied as (
            select
                {{ keys }},
                cast({{ time_column }} as double) as t,
                count(*) as leaving,
                count(case when {{ event_column }} then 1 end) as events
            from {{ relation }}
            where {{ time_column }} is not null
            group by {{ keys }}, cast({{ time_column }} as double)
        ),

        km_at_risk as (
            select
                *,
                cast(sum(leaving) over (
                    partition by {{ keys }} order by t desc rows between unbounded preceding and current row
                ) as bigint) as at_risk
            from km_tied
        ),

        km_survival as (
            select
                *,
                case
                    when events = at_risk then 0.0
                    else exp(sum(case when events < at_risk then ln(1.0 - cast(events as double) / at_risk) end) over (
                        partition by {{ keys }} order by t rows between unbounded preceding and current row
                    ))
                end as survival,
                sum(
                    case
                        when events < at_risk
                            then cast(events as double) / (cast(at_risk as double) * (at_risk - events))
                    end
                ) over (
                    partition by {{ keys }} order by t rows between unbounded preceding and current row
                ) as greenwood
            from km_at_risk
        )

        select
            {{ keys }},
            t,
            at_risk,
            events,
            leaving,
            survival,
            case
                when survival = 0.0 then 0.0
                when greenwood = 0.0 then 1.0
                else power(survival, exp({{ z }} * sqrt(greenwood) / abs(ln(survival))))
            end as ci_low,
            case
                when survival = 0.0 then null
                when greenwood = 0.0 then 1.0
                else power(survival, exp(-{{ z }} * sqrt(greenwood) / abs(ln(survival))))
            end as ci_high
        from km_survival
    )
{%- endmacro %}
