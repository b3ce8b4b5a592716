with

lines as (
    select * from {{ ref('int_forecast_lines') }}
    where is_now
),

draws as (
    select * from {{ ref('int_forecast_draws') }}
),

backtest as (
    select * from {{ ref('int_forecast_backtest') }}
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

scenarios as (
    select unnest(['close_date', 'crm', 'pace']) as scenario
),

keys as (
    select
        scenarios.scenario,
        unnest(range(0, 6)) as months_ahead,
        int_metric_scope.current_month
    from scenarios
    cross join int_metric_scope
),

expected as (
    select
        scenario,
        months_ahead,
        count(*) as deal_count,
        sum(cast(probability * coalesce(cast(amount_reporting as {{ double() }}), 0) as decimal(28, 6)))
            as expected_amount,
        count(case when amount_reporting is null and not is_blocked then 1 end) as no_amount_count,
        count(case when probability is null then 1 end) as no_probability_count,
        count(case when is_blocked then 1 end) as blocked_count,
        count(distinct basis) as basis_count,
        min(basis) as basis
    from lines
    where months_ahead is not null
    group by scenario, months_ahead
),

undated as (
    select
        scenario,
        count(*) as undated_count
    from lines
    where months_ahead is null
    group by scenario
),

errors as (
    select
        scenario,
        months_ahead,
        count(*) as backtest_n,
        cast(sum(forecast_amount) as {{ double() }}) / nullif(cast(sum(actual_amount) as {{ double() }}), 0) - 1.0
            as backtest_bias,
        cast(sum(abs(forecast_amount - actual_amount)) as {{ double() }})
        / nullif(cast(sum(actual_amount) as {{ double() }}), 0) as backtest_error
    from backtest
    group by scenario, months_ahead
),

won_so_far as (
    select
        coalesce(sum(fct_deal.amount_reporting), 0) as won_amount,
        count(case when fct_deal.amount_original is not null and fct_deal.amount_reporting is null then 1 end)
            as blocked_count
    from fct_deal
    inner join int_metric_scope on fct_deal.closed_month = int_metric_scope.current_month
    where fct_deal.status = 'won'
),

joined as (
    select
        keys.*,
        coalesce(expected.deal_count, 0) as deal_count,
        coalesce(expected.no_amount_count, 0) as no_amount_count,
        coalesce(expected.no_probability_count, 0) as no_probability_count,
        coalesce(expected.blocked_count, 0) as blocked_count,
        case when keys.months_ahead = 0 then coalesce(undated.undated_count, 0) else 0 end as undated_count,
        coalesce(expected.expected_amount, 0) as expected_amount,
        coalesce(draws.p10_amount, 0) as p10_amount,
        coalesce(draws.p50_amount, 0) as p50_amount,
        coalesce(draws.p90_amount, 0) as p90_amount,
        case when expected.basis_count > 1 then 'mixed' else expected.basis end as probability_basis,
        coalesce(errors.backtest_n, 0) as backtest_n,
        errors.backtest_bias,
        errors.backtest_error,
        case when keys.months_ahead = 0 and won_so_far.blocked_count = 0 then won_so_far.won_amount end
            as won_so_far_amount,
        case
            when coalesce(expected.blocked_count, 0) > 0 then 'blocked'
            when coalesce(expected.no_probability_count, 0) > 0 then 'insufficient'
            else 'measured'
        end as forecast_status
    from keys
    cross join won_so_far
    left join expected on keys.scenario = expected.scenario and keys.months_ahead = expected.months_ahead
    left join draws on keys.scenario = draws.scenario and keys.months_ahead = draws.months_ahead
    left join errors on keys.scenario = errors.scenario and keys.months_ahead = errors.months_ahead
    left join undated on keys.scenario = undated.scenario
)

select
    cast(current_month + to_months(cast(months_ahead as integer)) as date) as month,
    scenario,
    cast(months_ahead as integer) as months_ahead,
    case scenario
        when 'close_date' then 'month the CRM expects the close, chance of the stage by own history'
        when 'crm' then 'month the CRM expects the close, chance of the stage by the CRM'
        else 'month in which deals of the stage were won before'
    end as method,
    probability_basis,
    cast(deal_count as integer) as open_deals,
    cast(no_amount_count as integer) as deals_without_amount,
    cast(no_probability_count as integer) as deals_without_probability,
    cast(blocked_count as integer) as blocked_deals,
    cast(undated_count as integer) as undated_deals,
    cast(case when forecast_status = 'measured' then expected_amount end as decimal(18, 2)) as expected_amount,
    cast(case when forecast_status = 'measured' then p10_amount end as decimal(18, 2)) as p10_amount,
    cast(case when forecast_status = 'measured' then p50_amount end as decimal(18, 2)) as p50_amount,
    cast(case when forecast_status = 'measured' then p90_amount end as decimal(18, 2)) as p90_amount,
    cast(won_so_far_amount as decimal(18, 2)) as won_so_far_amount,
    forecast_status,
    cast(backtest_n as integer) as backtest_n,
    cast(case when backtest_n >= 3 then backtest_bias end as {{ double() }}) as backtest_bias,
    cast(case when backtest_n >= 3 then backtest_error end as {{ double() }}) as backtest_error,
    {{ publication_columns() }}
from joined
