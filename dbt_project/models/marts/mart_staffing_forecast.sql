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

int_role_capacity as (
    select * from {{ ref('int_role_capacity') }}
),

dim_threshold_rule as (
    select * from {{ ref('dim_threshold_rule') }}
),

role_months as (
    select
        month,
        role,
        cast(sum(cast(fte as decimal(18, 10))) as double) as fte
    from int_role_capacity
    group by month, role
),

-- As in mart_staffing: no assignment at all means that capacity is unknown.
assigned as (
    select count(*) > 0 as is_known
    from int_role_capacity
),

per_lead as (
    select threshold as hours_week_per_lead
    from dim_threshold_rule
    where rule_id = 'R1'
),

-- A month's own volume spreads around the rate by phi, and the rate is not known either. A negative binomial of that
-- mean and variance; with phi = 1 it is the gamma-Poisson mixture itself.
newest as (
    select
        int_staffing_forecasts.*,
        int_staffing_states.state,
        int_staffing_states.expected_cross_month,
        int_metric_scope.fte_hours_week,
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
),

staffed as (
    select
        predicted.*,
        {{ required_fte(
            'predicted.role', 'predicted.mean_volume', 'predicted.threshold', 'per_lead.hours_week_per_lead',
            'predicted.fte_hours_week'
        ) }} as required_fte,
        case when assigned.is_known then coalesce(role_months.fte, 0.0) end as available_fte
    from predicted
    left join per_lead on true
    cross join assigned
    left join role_months
        on
            predicted.forecast_month = role_months.month
            and predicted.role = role_months.role
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
    cast(required_fte as double) as required_fte,
    cast(available_fte as double) as available_fte,
    cast(required_fte - available_fte as double) as gap_fte,
    {{ publication_columns() }}
from staffed
