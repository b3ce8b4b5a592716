{#- Quantile of Gamma(shape a, rate 1) at probability p, by 70 halvings of [0, a + 12 sqrt(a) + 40].
    Slower than Newton, but it cannot diverge, and it runs on a few hundred rows. -#}
{% macro gamma_quantile(p, a) -%}
    list_reduce(
        list_prepend(
            [cast(0.0 as double), cast(({{ a }}) + 12.0 * sqrt({{ a }}) + 40.0 as double)],
            list_transform(range(0, 70), lambda step: [cast(0.0 as double), cast(0.0 as double)])
        ),
        lambda bracket, step:
            case
                when {{ gamma_cdf(a, '(bracket[1] + bracket[2]) / 2.0') }} < ({{ p }})
                    then [(bracket[1] + bracket[2]) / 2.0, bracket[2]]
                else [bracket[1], (bracket[1] + bracket[2]) / 2.0]
            end
    )[1]
{%- endmacro %}
