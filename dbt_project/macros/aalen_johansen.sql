{#- Aalen-Johansen steps of `relation` by `groups` (a list of column names): the share to which the event has happened
    while others left by a competing one. One row per distinct time with at_risk, events, competing, leaving, survival
    (nothing happened yet, right after that time), incidence and its log-log 95 % band. The two columns are booleans,
    never true together; neither true means censored. Events of one time go before the censored ones.
    The variance is the delta method's (Collett, Modelling Survival Data, chapter on competing risks; also lifelines and
    SAS PROC LIFETEST), its sums over earlier times multiplied out so that running sums do.
    At an incidence of 0 or 1 the log-log band does not exist: NULL. Stands where a relation can stand. -#}
{% macro aalen_johansen(relation, groups, time_column, event_column, competing_column) -%}
    {%- set z = '1.959963984540054' -%}
    {%- set keys = groups | join(', ') -%}
    {%- set transformed = z ~ ' * sqrt(variance) / (incidence * abs(ln(incidence)))' -%}
    {%- set so_far = 'partition by ' ~ keys ~ ' order by t rows between unbounded preceding and current row' -%}
    (
        with aj_tied as (
            select
                {{ keys }},
                cast({{ time_column }} as double) as t,
                count(*) as leaving,
                count(case when {{ event_column }} then 1 end) as events,
                count(case when {{ competing_column }} and not ({{ event_column }}) then 1 end) as competing
            from {{ relation }}
            where {{ time_column }} is not null
            group by {{ keys }}, cast({{ time_column }} as double)
        ),

        aj_at_risk as (
            select
                *,
                events + competing as settled,
                cast(sum(leaving) over (
                    partition by {{ keys }} order by t desc rows between unbounded preceding and current row
                ) as bigint) as at_risk
            from aj_tied
        ),

        aj_survival as (
            select
                *,
                case
                    when settled = at_risk then 0.0
                    else exp(coalesce(
                        sum(case when settled < at_risk then ln(1.0 - cast(settled as double) / at_risk) end)
                            over ({{ so_far }}),
                        0.0
                    ))
                end as survival
            from aj_at_risk
        ),

        aj_hazards as (
            select
                *,
                coalesce(lag(survival) over (partition by {{ keys }} order by t), 1.0) as survival_before,
                -- After the last settled one nothing follows, so its infinite weight never counts.
                case
                    when settled < at_risk
                        then cast(settled as double) / (cast(at_risk as double) * (at_risk - settled))
                    else 0.0
                end as weight
            from aj_survival
        ),

        aj_incidence as (
            select
                *,
                sum(survival_before * events / at_risk) over ({{ so_far }}) as incidence,
                survival_before * events / (cast(at_risk as double) * at_risk) as slope
            from aj_hazards
        ),

        aj_sums as (
            select
                *,
                sum(weight) over ({{ so_far }}) as weights,
                sum(weight * incidence) over ({{ so_far }}) as weighted_incidence,
                sum(weight * incidence * incidence) over ({{ so_far }}) as weighted_square,
                sum(survival_before * slope * (at_risk - events) / at_risk) over ({{ so_far }}) as own_variance,
                sum(slope) over ({{ so_far }}) as slopes,
                sum(slope * incidence) over ({{ so_far }}) as sloped_incidence
            from aj_incidence
        ),

        aj_variance as (
            select
                *,
                greatest(
                    0.0,
                    incidence * incidence * weights - 2.0 * incidence * weighted_incidence + weighted_square
                    + own_variance - 2.0 * (incidence * slopes - sloped_incidence)
                ) as variance
            from aj_sums
        )

        select
            {{ keys }},
            t,
            at_risk,
            events,
            competing,
            leaving,
            survival,
            incidence,
            case
                when incidence > 0.0 and incidence < 1.0 - 1e-12 then power(incidence, exp({{ transformed }}))
            end as ci_low,
            case
                when incidence > 0.0 and incidence < 1.0 - 1e-12 then power(incidence, exp(-{{ transformed }}))
            end as ci_high
        from aj_variance
    )
{%- endmacro %}
