{#- Regularised incomplete beta I_x(a, b): the CDF of Beta(a, b) at x. The series
    sum over n of Gamma(a + b + n) / (Gamma(b) Gamma(a + n + 1)) x^(a + n) (1 - x)^b has only positive terms, so nothing
    cancels. It is taken on the side of the mean on which its terms fall from the start, the other side being 1 minus
    the mirror image; but near 0 and near 1 on the near side, where it needs few terms however far off the mean is. -#}
{% macro beta_cdf(x, a, b) -%}
    {%- set is_left = 'case when (' ~ x ~ ') < 0.1 then true when (' ~ x ~ ') > 0.9 then false else (' ~ x ~ ') * (('
        ~ a ~ ') + (' ~ b ~ ')) <= (' ~ a ~ ') end' -%}
    case
        when ({{ x }}) is null or ({{ a }}) is null or ({{ b }}) is null then null
        when ({{ x }}) <= 0.0 then 0.0
        when ({{ x }}) >= 1.0 then 1.0
        when {{ is_left }} then {{ beta_series(x, a, b) }}
        else 1.0 - {{ beta_series('(1.0 - (' ~ x ~ '))', b, a) }}
    end
{%- endmacro %}
