{#- Quantile of Beta(a, b) at probability p, by 34 halvings of [0, 1]: exact to 1e-10. -#}
{% macro beta_quantile(p, a, b) -%}
    list_reduce(
        list_prepend(
            [cast(0.0 as double), cast(1.0 as double)],
            list_transform(range(0, 34), lambda step: [cast(0.0 as double), cast(0.0 as double)])
        ),
        lambda bracket, step:
            case
                when {{ beta_cdf('(bracket[1] + bracket[2]) / 2.0', a, b) }} < ({{ p }})
                    then [(bracket[1] + bracket[2]) / 2.0, bracket[2]]
                else [bracket[1], (bracket[1] + bracket[2]) / 2.0]
            end
    )[1]
{%- endmacro %}
