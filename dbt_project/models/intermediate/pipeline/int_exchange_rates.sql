{{ config(materialized='table') }}

with

rates as (
    select * from {{ ref('stg_config__currency_rates') }}
),

company as (
    select * from {{ ref('stg_config__company') }}
),

-- The reporting currency is worth itself, always; of others nothing is known before their first rate.
combined as (
    select
        reporting_currency as currency_code,
        reporting_currency,
        cast(1 as {{ double() }}) as rate,
        date '1900-01-01' as rate_date
    from company
    union all by name
    select
        rates.currency_code,
        company.reporting_currency,
        cast(rates.rate as {{ double() }}) as rate,
        rates.rate_date
    from rates
    cross join company
    where rates.currency_code <> company.reporting_currency
)

select * from combined
