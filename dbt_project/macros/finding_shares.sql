{#- The verdict on the counts of a finding. `counts` is a CTE with rule_id, scope_value, last_month, k, n, figure,
    is_recorded and is_fault; the limit and its direction come from config/seeds/finding_rules.csv. `is_fault` NULL
    means: judge by the limit; where it is set (a limit per person), the family has judged. Counts below min_n_rate give
    no verdict unless `is_fault` is true by assignment (`is_known_anyway`). Adds estimate, interval, status, is_certain.
    Adds what finding_span_columns gives, too. The model must have CTEs named stg_config__finding_rules and
    int_finding_spans. -#}
{% macro finding_shares(counts) -%}
(
    select
        counted.*,
        rules.threshold,
        case when counted.is_shown then cast(counted.k as {{ double() }}) / counted.n end as estimate,
        case when counted.is_shown then {{ wilson_interval('counted.k', 'counted.n', 'low') }} end as ci_low,
        case when counted.is_shown then {{ wilson_interval('counted.k', 'counted.n', 'high') }} end as ci_high,
        case
            when counted.is_known_anyway then 'found'
            when not counted.is_recorded then 'not_measurable'
            when counted.is_nothing_to_see then 'clear'
            when not counted.is_shown then 'insufficient_data'
            when
                coalesce(
                    counted.is_fault,
                    {{ meets_threshold(
                        'cast(counted.k as ' ~ double() ~ ') / counted.n', 'rules.comparator', 'rules.threshold'
                    ) }}
                ) then 'found'
            else 'clear'
        end as status,
        coalesce(
            case rules.comparator
                when '<'
                    then counted.is_shown and {{ wilson_interval('counted.k', 'counted.n', 'high') }} < rules.threshold
                else counted.is_shown and {{ wilson_interval('counted.k', 'counted.n', 'low') }} > rules.threshold
            end,
            false
        ) as is_certain,
        {{ finding_span_columns() }}
    from (
        select
            rule_id,
            scope_value,
            last_month,
            cast(coalesce(k, 0) as bigint) as k,
            cast(coalesce(n, 0) as bigint) as n,
            cast(figure as {{ double() }}) as figure,
            coalesce(is_recorded, false) as is_recorded,
            cast(is_fault as boolean) as is_fault,
            coalesce(is_known_anyway, false) as is_known_anyway,
            coalesce(is_nothing_to_see, false) as is_nothing_to_see,
            coalesce(is_recorded, false) and coalesce(n, 0) >= {{ var('min_n_rate') }} as is_shown
        from {{ counts }}
    ) as counted
    inner join stg_config__finding_rules as rules
        on counted.rule_id = rules.rule_id and counted.scope_value = rules.scope_value
    inner join int_finding_spans on counted.last_month = int_finding_spans.last_month
)
{%- endmacro %}
