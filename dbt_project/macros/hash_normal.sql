{#- A number that looks drawn from the standard normal distribution but is the same every time: two even ones make it
    (Box and Muller). `text` and `number` are what it depends on. -#}
{% macro hash_normal(text, number) -%}
    (
        sqrt(-2.0 * ln({{ hash_uniform(text ~ " || '|a|' || " ~ number) }}))
        * cos(2.0 * pi() * {{ hash_uniform(text ~ " || '|b|' || " ~ number) }})
    )
{%- endmacro %}
