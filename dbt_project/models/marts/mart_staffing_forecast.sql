with

int_staffing_forecasts as (
    select * from {{ ref('int_staffing_forecasts') }}
),

int_staffing_states as (
    select * from {{ ref('int_staffing_states') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

-- A month's own volume spreads around the rate by phi, and the rate is not known either. A negative binomial of that
-- mean and variance; with phi = 1 it is the gamma-Poisson mixture itself.
newest as (
    select
        int_staffing_forecasts.*,
        int_staffing_states.state,
        int_staffing_states.expected_cross_month,
        int_staffing_forecasts.shape / int_staffing_forecasts.exposure as mean_volume,
        (int_staffing_forecasts.phi - 1.0) * int_staffing_forecasts.shape / int_staffing_forecasts.exposure
        + int_staffing_forecasts.shape / int_staffing_forecasts.exposure ** 2 as excess_variance
    from int_staffing_forecasts
    inner join int_metric_scope on int_staffing_forecasts.month = int_metric_scope.latest_complete_month
    inner join int_staffing_states
        on
            int_staffing_forecasts.rule_id = int_staffing_states.rule_id
            and int_staffing_forecasts.month = int_staffing_states.month
),

sized as (
    select
        *,
        mean_volume * mean_volume / excess_variance as size
    from newest
),

-- The SQL linter does not know a lambda of two arguments.
predicted as (
    select
        *,
        {{ negative_binomial_cdf(
            "case when comparator in ('>', '<=') then floor(threshold) else ceil(threshold) - 1.0 end", 'size', 'mean_volume'
        ) }} as p_volume_at_most,
        {{ negative_binomial_quantile('0.10', 'size', 'mean_volume') }} as volume_pi_low,  -- noqa: PRS, LT02
        {{ negative_binomial_quantile('0.90', 'size', 'mean_volume') }} as volume_pi_high
    from sized
)

select
    rule_id,
    role,
    forecast_month as month,
    cast(months_ahead as integer) as months_ahead,
    month as forecast_from_month,
    method,
    cast(slope as double) as slope,
    cast(phi as double) as phi,
    cast(mean_volume as double) as volume_estimate,
    cast(volume_pi_low as double) as volume_pi_low,
    cast(volume_pi_high as double) as volume_pi_high,
    cast(0.80 as double) as pi_level,
    'negative_binomial' as pi_method,
    threshold,
    comparator,
    unit,
    cast(
        case when comparator in ('<', '<=') then p_volume_at_most else 1.0 - p_volume_at_most end as double
    ) as p_threshold_met,
    cast(p_cross as double) as p_cross,
    state,
    expected_cross_month,
    {{ hire_by('expected_cross_month', 'comparator') }} as hire_by,
    {{ publication_columns() }}
from predicted
