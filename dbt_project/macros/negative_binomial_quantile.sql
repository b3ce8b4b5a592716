{#- The smallest whole number y with P(Y <= y) >= p, by 40 halvings. The upper end is Cantelli's: no distribution has more
    than 1 - p above its mean by sqrt(p / (1 - p)) standard deviations. -#}
{% macro negative_binomial_quantile(p, size, mean) -%}
    {%- set middle = 'floor((bracket[1] + bracket[2]) / 2.0)' -%}
    list_reduce(
        list_prepend(
            [
                cast(-1.0 as double),
                cast(
                    1.0 + ceil(
                        ({{ mean }})
                        + sqrt(({{ p }}) / (1.0 - ({{ p }})) * (({{ mean }}) + ({{ mean }}) * ({{ mean }}) / ({{ size }})))
                    ) as double
                )
            ],
            list_transform(range(0, 40), lambda step: [cast(0.0 as double), cast(0.0 as double)])
        ),
        lambda bracket, step:
            case
                when {{ negative_binomial_cdf(middle, size, mean) }} < ({{ p }})
                    then [{{ middle }}, bracket[2]]
                else [bracket[1], {{ middle }}]
            end
    )[2]
{%- endmacro %}
