{#- A rate never counts more than its whole, lies inside its interval between 0 and 1, and is hidden for a small n. -#}
{% test honest_rates(model, prefixes) %}
    {%- for prefix in prefixes %}
    select
        '{{ prefix }}' as rate,
        {{ prefix }}k as k,
        {{ prefix }}n as n,
        {{ prefix }}estimate as estimate
    from {{ model }}
    where
        {{ prefix }}k < 0
        or {{ prefix }}k > {{ prefix }}n
        or ({{ prefix }}estimate is not null and {{ prefix }}n < {{ var('min_n_rate') }})
        or ({{ prefix }}estimate is not null and {{ prefix }}grade in ('insufficient', 'not_measurable'))
        or ({{ prefix }}estimate is null and {{ prefix }}grade in ('ok', 'indicative'))
        or not coalesce({{ prefix }}ci_low >= 0 and {{ prefix }}ci_high <= 1, true)
        or not coalesce({{ prefix }}estimate between {{ prefix }}ci_low - 1e-12 and {{ prefix }}ci_high + 1e-12, true)
        or not coalesce({{ prefix }}maturity between 0 and 1, true)
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{% endtest %}
