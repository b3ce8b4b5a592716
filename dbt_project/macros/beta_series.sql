{#- The series of beta_cdf; `x` must lie in (0, a / (a + b)]. The terms are a negative binomial's from its mean on: with
    9 standard deviations and 40 lengths of its exponential tail the rest is below 1e-16. -#}
{% macro beta_series(x, a, b) -%}
    least(1.0, list_sum(list_transform(
        range(0, cast(
            30.0
            + 9.0 * sqrt(({{ a }}) * (({{ a }}) + ({{ b }})) / ({{ b }}))
            + 40.0 * (1.0 + ({{ a }}) / ({{ b }})) as bigint
        )),
        lambda i: exp(
            lgamma(({{ a }}) + ({{ b }}) + i) - lgamma({{ b }}) - lgamma(({{ a }}) + i + 1.0)
            + (({{ a }}) + i) * ln({{ x }}) + ({{ b }}) * ln(1.0 - ({{ x }}))
        )
    )))
{%- endmacro %}
