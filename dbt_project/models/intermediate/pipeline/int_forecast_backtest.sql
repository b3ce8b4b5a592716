{{ config(materialized='table') }}

-- Forecasts made at the same point of the twelve months before, with what was known then, beside what those deals
-- brought. Only months that are over; a cut at which a deal had no chance to be given is no forecast.
with

lines as (
    select * from {{ ref('int_forecast_lines') }}
    where not is_now and months_ago <= 12
),

forecast_deals as (
    select * from {{ ref('int_forecast_deals') }}
    where not is_now and months_ago <= 12
),

scenarios as (
    select unnest(['close_date', 'crm', 'pace']) as scenario
),

horizons as (
    select unnest(range(0, 6)) as months_ahead
),

actuals as (
    select
        forecast_deals.months_ago,
        horizons.months_ahead,
        coalesce(
            sum(
                case
                    when forecast_deals.won_in_months = horizons.months_ahead then forecast_deals.won_amount_reporting
                end
            ),
            0
        ) as actual_amount
    from forecast_deals
    cross join horizons
    where horizons.months_ahead < forecast_deals.months_ago
    group by forecast_deals.months_ago, horizons.months_ahead
),

known as (
    select
        months_ago,
        scenario,
        bool_and(probability is not null and not is_blocked) as is_known
    from lines
    where scenario <> 'pace'
    group by months_ago, scenario
    union all by name
    select
        months_ago,
        scenario,
        bool_and(probability is not null and not is_blocked) as is_known
    from lines
    where scenario = 'pace' and months_ahead < months_ago
    group by months_ago, scenario
),

-- Decimals add up to the same whatever comes first; the same data must give the same figures.
forecasts as (
    select
        months_ago,
        scenario,
        months_ahead,
        sum(cast(probability * coalesce(cast(amount_reporting as {{ double() }}), 0) as decimal(28, 6)))
            as forecast_amount
    from lines
    where months_ahead is not null
    group by months_ago, scenario, months_ahead
)

select
    actuals.months_ago,
    scenarios.scenario,
    actuals.months_ahead,
    coalesce(forecasts.forecast_amount, 0) as forecast_amount,
    cast(actuals.actual_amount as decimal(28, 6)) as actual_amount
from actuals
cross join scenarios
inner join known
    on
        actuals.months_ago = known.months_ago
        and scenarios.scenario = known.scenario
        and known.is_known
left join forecasts
    on
        actuals.months_ago = forecasts.months_ago
        and scenarios.scenario = forecasts.scenario
        and actuals.months_ahead = forecasts.months_ahead
