{#- The eight columns every published rate carries. `prefix` may be empty. Estimate and interval are NULL when
    n < min_n_rate or when the rate is not measurable, so that no reader meets a bare percentage on noise. -#}
{% macro rate_columns(prefix, k, n, maturity='1.0', measurable='true') -%}
    {%- set name = prefix ~ '_' if prefix else '' -%}
    {%- set shown = '(' ~ measurable ~ ') and (' ~ n ~ ') >= ' ~ var('min_n_rate') -%}
    cast({{ k }} as bigint) as {{ name }}k,
    cast({{ n }} as bigint) as {{ name }}n,
    cast(case when {{ shown }} then cast({{ k }} as double) / ({{ n }}) end as double) as {{ name }}estimate,
    cast(case when {{ shown }} then {{ wilson_interval(k, n, 'low') }} end as double) as {{ name }}ci_low,
    cast(case when {{ shown }} then {{ wilson_interval(k, n, 'high') }} end as double) as {{ name }}ci_high,
    'wilson' as {{ name }}ci_method,
    cast({{ maturity }} as double) as {{ name }}maturity,
    {{ rate_grade(k, n, measurable) }} as {{ name }}grade
{%- endmacro %}
