{#- P(p1 > p0) for p1 ~ Beta(k1 + 1, n1 - k1 + 1) and p0 ~ Beta(k0 + 1, n0 - k0 + 1): the exact finite sum
    (the shapes are whole numbers), each term in logs through lgamma. -#}
{% macro beta_greater(k1, n1, k0, n0) -%}
    least(1.0, greatest(0.0, list_sum(list_transform(
        range(0, cast({{ k1 }} as bigint) + 1),
        lambda i: exp(
            lgamma(({{ k0 }}) + 1.0 + i) + lgamma(({{ n0 }}) - ({{ k0 }}) + ({{ n1 }}) - ({{ k1 }}) + 2.0)
            - lgamma(({{ k0 }}) + 3.0 + i + ({{ n0 }}) - ({{ k0 }}) + ({{ n1 }}) - ({{ k1 }}))
            - ln(({{ n1 }}) - ({{ k1 }}) + 1.0 + i)
            - (lgamma(1.0 + i) + lgamma(({{ n1 }}) - ({{ k1 }}) + 1.0) - lgamma(({{ n1 }}) - ({{ k1 }}) + 2.0 + i))
            - (lgamma(({{ k0 }}) + 1.0) + lgamma(({{ n0 }}) - ({{ k0 }}) + 1.0) - lgamma(({{ n0 }}) + 2.0))
        )
    ))))
{%- endmacro %}
