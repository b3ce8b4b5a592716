{#- P(Y <= y) for a negative binomial with the given size and mean, whose variance is mean + mean^2 / size: the incomplete
    beta function at size / (size + mean) with shapes size and y + 1. `y` must be a whole number. -#}
{% macro negative_binomial_cdf(y, size, mean) -%}
    case
        when ({{ y }}) < 0 then 0.0
        else {{ beta_cdf('((' ~ size ~ ') / ((' ~ size ~ ') + (' ~ mean ~ ')))', size, 'greatest(1.0, (' ~ y ~ ') + 1.0)') }}
    end
{%- endmacro %}
