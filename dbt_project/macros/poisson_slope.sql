{#- Slope a month of a Poisson log-linear trend through `counts` (a list, oldest first), by maximum likelihood.
    With the level profiled out, the score equation says: the mean month, weighted by exp(slope * month), equals the mean
    month weighted by the counts. The left side rises with the slope, so 50 halvings of [-1, 1] find it. -#}
{% macro poisson_slope(counts) -%}
    {%- set middle = '(bracket[1] + bracket[2]) / 2.0' -%}
    {%- set months = 'range(1, len(' ~ counts ~ ') + 1)' -%}
    (list_reduce(
        list_prepend(
            [cast(-1.0 as double), cast(1.0 as double)],
            list_transform(range(0, 50), lambda step: [cast(0.0 as double), cast(0.0 as double)])
        ),
        lambda bracket, step:
            case
                when
                    list_sum(list_transform({{ months }}, lambda i: i * exp({{ middle }} * i)))
                    / list_sum(list_transform({{ months }}, lambda i: exp({{ middle }} * i)))
                    < list_sum(list_transform({{ months }}, lambda i: i * {{ counts }}[i])) / list_sum({{ counts }})
                    then [{{ middle }}, bracket[2]]
                else [bracket[1], {{ middle }}]
            end
    )[1])
{%- endmacro %}
