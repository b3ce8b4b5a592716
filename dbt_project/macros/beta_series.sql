{#- The series of beta_cdf; `x` must lie in (0, 1), and the closer it is to 1 the more terms there are. The terms are a
    negative binomial's from `a` on: up to 9 standard deviations beyond its mean, and 40 lengths of its exponential tail,
    the rest is below 1e-16. -#}
{% macro beta_series(x, a, b) -%}
    least(1.0, list_sum(list_transform(
        range(0, cast(
            30.0
            + greatest(({{ b }}) * ({{ x }}) / (1.0 - ({{ x }})) - ({{ a }}), 0.0)
            + 9.0 * sqrt(({{ b }}) * ({{ x }})) / (1.0 - ({{ x }}))
            + 40.0 / (1.0 - ({{ x }})) as bigint
        )),
        lambda i: exp(
            lgamma(({{ a }}) + ({{ b }}) + i) - lgamma({{ b }}) - lgamma(({{ a }}) + i + 1.0)
            + (({{ a }}) + i) * ln({{ x }}) + ({{ b }}) * ln(1.0 - ({{ x }}))
        )
    )))
{%- endmacro %}
