with

deals as (
    select * from {{ ref('int_deals') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

company as (
    select * from {{ ref('stg_config__company') }}
),

dated as (
    select
        deals.deal_id,
        deals.currency_code,
        deals.amount,
        company.reporting_currency,
        {{ local_date('coalesce(deals.closed_at, ' ~ as_of() ~ ')') }} as amount_date
    from deals
    cross join company
),

-- Closed deals at the rate of their day, open ones at today's. No currency and no rate mean no amount:
-- a currency is never assumed.
converted as (
    select
        dated.deal_id,
        case when dated.currency_code = dated.reporting_currency then 1 else rates.rate end as fx_rate,
        case when dated.currency_code = dated.reporting_currency then dated.amount_date else rates.rate_date end
            as fx_date,
        dated.amount
    from dated
    asof left join rates
        on dated.currency_code = rates.currency_code and dated.amount_date >= rates.rate_date
)

select
    deal_id,
    cast(fx_rate as decimal(18, 8)) as fx_rate,
    fx_date,
    cast(amount * cast(fx_rate as {{ double() }}) as decimal(18, 2)) as amount_reporting
from converted
