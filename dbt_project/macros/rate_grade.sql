{#- How far a rate may be read: ok (n >= 20 and half-width <= 0.10), indicative, insufficient (n < min_n_rate),
    or not_measurable when the source does not record what the rate counts. -#}
{% macro rate_grade(k, n, measurable='true') -%}
    case
        when not ({{ measurable }}) then 'not_measurable'
        when ({{ n }}) < {{ var('min_n_rate') }} then 'insufficient'
        when
            ({{ n }}) >= 20
            and ({{ wilson_interval(k, n, 'high') }} - {{ wilson_interval(k, n, 'low') }}) / 2.0 <= 0.10
            then 'ok'
        else 'indicative'
    end
{%- endmacro %}
