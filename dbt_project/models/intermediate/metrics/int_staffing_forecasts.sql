{{ config(materialized='table') }}

-- The monthly rate of the volume rules in the six months after each complete month, as a gamma distribution.
--
-- Flat: the posterior of the last three months. Trend: the quasi-Poisson log-linear fit through twelve months, its
-- slope damped by 0.9 a month; 1 / Var(log rate) takes the place of the three months' counts in the same posterior.
with

int_staffing_rates as (
    select * from {{ ref('int_staffing_rates') }}
),

-- The SQL linter does not know a list built by a lambda.
fitted as (
    select
        *,
        case
            when slope is not null
                then list_transform(  -- noqa: PRS
                    range(1, 13),
                    lambda i: list_sum(volumes_12) * exp(slope * i)
                    / list_sum(list_transform(range(1, 13), lambda j: exp(slope * j)))
                )
        end as fits
    from int_staffing_rates
    where is_estimated
),

centred as (
    select
        *,
        list_sum(volumes_12) as total,
        list_sum(list_transform(range(1, 13), lambda i: i * fits[i])) / list_sum(fits) as centre,
        -- The spread around the trend, not around the mean: growth is no noise. Ten degrees of freedom are left.
        greatest(
            1.0,
            list_sum(list_transform(range(1, 13), lambda i: (volumes_12[i] - fits[i]) ** 2 / fits[i])) / 10.0
        ) as trend_phi
    from fitted
),

spread as (
    select
        *,
        list_sum(list_transform(range(1, 13), lambda i: (i - centre) ** 2 * fits[i])) as information
    from centred
),

steps as (
    select unnest(range(1, 7)) as months_ahead
),

-- The slope counts 0.9 in the first month, 0.9^2 in the second: the sum of 0.9^j for j = 1..h is 9 (1 - 0.9^h).
horizons as (
    select
        spread.*,
        steps.months_ahead,
        9.0 * (1.0 - power(cast(0.9 as double), steps.months_ahead)) as slope_months
    from spread
    cross join steps
),

projected as (
    select
        *,
        fits[12] * exp(slope * slope_months) as level,
        1.0 / (trend_phi * (1.0 / total + (12 + slope_months - centre) ** 2 / information)) as log_precision
    from horizons
),

distributed as (
    select
        *,
        case when slope is null then 'flat' else 'trend' end as method,
        case when slope is null then phi else trend_phi end as forecast_phi,
        case when slope is null then shape else cast(0.5 as double) + log_precision end as forecast_shape,
        case when slope is null then exposure else log_precision / level end as forecast_exposure
    from projected
),

crossing as (
    select
        *,
        {{ gamma_cdf('forecast_shape', 'threshold * forecast_exposure') }} as p_below
    from distributed
),

forecasts as (
    select
        rule_id,
        role,
        comparator,
        threshold,
        unit,
        month,
        months_ahead,
        cast(month + to_months(cast(months_ahead as integer)) as date) as forecast_month,
        method,
        slope,
        forecast_phi as phi,
        forecast_shape as shape,
        forecast_exposure as exposure,
        case when comparator in ('<', '<=') then p_below else 1.0 - p_below end as p_cross
    from crossing
)

select * from forecasts
