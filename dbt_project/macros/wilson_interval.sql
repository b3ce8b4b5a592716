{#- Wilson score bound at 95 % in closed form; `bound` is 'low' or 'high'. NULL when n is 0.
    Clipped to [0, 1] because the closed form leaves it by one rounding step at k = 0 and k = n. -#}
{% macro wilson_interval(k, n, bound) -%}
    {%- set z = '1.959963984540054' -%}
    case
        when ({{ n }}) > 0
            then {{ 'greatest(0.0, ' if bound == 'low' else 'least(1.0, ' }}
                (
                    cast({{ k }} as double) / ({{ n }}) + {{ z }} * {{ z }} / (2.0 * ({{ n }}))
                    {{ '-' if bound == 'low' else '+' }} {{ z }} * sqrt(
                        (cast({{ k }} as double) / ({{ n }})) * (1.0 - cast({{ k }} as double) / ({{ n }})) / ({{ n }})
                        + {{ z }} * {{ z }} / (4.0 * ({{ n }}) * ({{ n }}))
                    )
                ) / (1.0 + {{ z }} * {{ z }} / ({{ n }}))
            )
    end
{%- endmacro %}
