-- Without a young lead nothing is censored before the window, so the incidence is the plain proportion; and the curve
-- by age ends at the figure of its month.
with

pairs as (
    {%- for mart, metric in [('mart_inbound_month', 'lead_to_qualified'),
        ('mart_outbound_month', 'prospect_to_qualified'), ('mart_closer_month', 'lead_to_customer')] %}
        select
            '{{ metric }}' as metric,
            slice_type,
            slice_value,
            month,
            {{ metric }}_maturity = 1 as is_mature,
            {{ metric }}_estimate as fixed,
            {{ metric }}_aj_estimate as incidence,
            {{ metric }}_grade = 'not_measurable' as is_hidden
        from {{ ref(mart) }}
        {{ 'union all by name' if not loop.last }}
    {%- endfor %}
),

curves as (
    select
        replace(metric_id, '_aj', '') as metric,
        cohort_month as month,
        estimate
    from {{ ref('mart_conversion_by_age') }}
    where age_days = window_days
)

select
    pairs.*,
    curves.estimate as at_window
from pairs
left join curves
    on
        pairs.slice_type = 'all'
        and pairs.metric = curves.metric
        and pairs.month = curves.month
where
    (pairs.is_mature and coalesce(abs(pairs.fixed - pairs.incidence) > 1e-9, pairs.fixed is not null))
    or (
        pairs.slice_type = 'all'
        and not pairs.is_hidden
        and coalesce(
            abs(pairs.incidence - curves.estimate) > 1e-9, (pairs.incidence is null) <> (curves.estimate is null)
        )
    )
