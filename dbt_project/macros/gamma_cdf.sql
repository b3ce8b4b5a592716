{#- Regularised lower incomplete gamma P(a, x): the CDF of Gamma(shape a, rate 1) at x, by its power series.
    Each term is exp(-x + (a + i) ln x - lgamma(a + i + 1)): all positive, so nothing cancels, and never above 1.
    The terms peak at a + i = x with width sqrt(x); 12 widths past the peak the rest is below 1e-16. -#}
{% macro gamma_cdf(a, x) -%}
    case
        when ({{ a }}) is null or ({{ x }}) is null then null
        when ({{ x }}) <= 0.0 then 0.0
        else least(1.0, list_sum(list_transform(
            range(0, cast(greatest(0.0, ({{ x }}) - ({{ a }})) + 12.0 * sqrt({{ x }}) + 60.0 as bigint)),
            lambda i: exp(-({{ x }}) + (({{ a }}) + i) * ln({{ x }}) - lgamma(({{ a }}) + i + 1.0))
        )))
    end
{%- endmacro %}
