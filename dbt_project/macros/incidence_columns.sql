{#- The eight columns of a rate that is read off an incidence curve, from the aj_ columns of a row of aalen_johansen_at
    (NULL when there was nobody). Maturity is the share of the cohort whose fate at the horizon is known. Estimate and
    interval are NULL as in rate_columns, and when nobody was followed to the horizon. -#}
{% macro incidence_columns(prefix, measurable='true') -%}
    {%- set name = prefix ~ '_' if prefix else '' -%}
    {%- set shown = '(' ~ measurable ~ ') and aj_n >= ' ~ var('min_n_rate') ~ ' and aj_is_followed' -%}
    cast(coalesce(aj_k, 0) as bigint) as {{ name }}k,
    cast(coalesce(aj_n, 0) as bigint) as {{ name }}n,
    cast(case when {{ shown }} then aj_incidence end as double) as {{ name }}estimate,
    cast(case when {{ shown }} then aj_ci_low end as double) as {{ name }}ci_low,
    cast(case when {{ shown }} then aj_ci_high end as double) as {{ name }}ci_high,
    coalesce(aj_ci_method, 'aalen_johansen_log_log') as {{ name }}ci_method,
    cast(1.0 * aj_known / nullif(aj_n, 0) as double) as {{ name }}maturity,
    case
        when not ({{ measurable }}) then 'not_measurable'
        when not coalesce({{ shown }}, false) then 'insufficient'
        when aj_n >= 20 and (aj_ci_high - aj_ci_low) / 2.0 <= 0.10 then 'ok'
        else 'indicative'
    end as {{ name }}grade
{%- endmacro %}
