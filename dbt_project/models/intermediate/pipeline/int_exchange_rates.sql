{{ config(materialized='table') }}

with

rates as (
    select * from {{ ref('stg_config__currency_rates') }}
),

crm_rates as (
    select * from {{ ref('int_crm__exchange_rates') }}
),

company as (
    select * from {{ ref('stg_config__company') }}
),

-- What one of the CRM's base currency buys of the reporting currency.
reporting as (
    select
        crm_rates.source_crm,
        company.reporting_currency,
        crm_rates.units_per_base,
        crm_rates.rate_date
    from crm_rates
    inner join company on crm_rates.currency_code = company.reporting_currency
),

-- Either side of a pair may get a new rate.
days as (
    select
        crm_rates.source_crm,
        crm_rates.currency_code,
        reporting.reporting_currency,
        unnest([crm_rates.rate_date, reporting.rate_date]) as rate_date
    from crm_rates
    inner join reporting on crm_rates.source_crm = reporting.source_crm
    where crm_rates.currency_code <> reporting.reporting_currency
),

pairs as (
    select distinct
        source_crm,
        currency_code,
        reporting_currency,
        rate_date
    from days
),

-- On a day before the first rate of one of the two, nothing is known.
crossed as (
    select
        pairs.source_crm,
        pairs.currency_code,
        pairs.reporting_currency,
        reporting.units_per_base / crm_rates.units_per_base as rate,
        pairs.rate_date
    from pairs
    asof inner join crm_rates
        on
            pairs.source_crm = crm_rates.source_crm
            and pairs.currency_code = crm_rates.currency_code
            and pairs.rate_date >= crm_rates.rate_date
    asof inner join reporting
        on pairs.source_crm = reporting.source_crm and pairs.rate_date >= reporting.rate_date
),

-- From the first day of a rate in the config on, that currency is the config's.
configured as (
    select
        currency_code,
        min(rate_date) as first_rate_date
    from rates
    group by currency_code
),

told as (
    select
        crossed.currency_code,
        crossed.reporting_currency,
        crossed.rate,
        crossed.rate_date
    from crossed
    left join configured on crossed.currency_code = configured.currency_code
    where crossed.rate_date < coalesce(configured.first_rate_date, date '9999-12-31')
    qualify row_number() over (
        partition by crossed.currency_code, crossed.rate_date order by crossed.source_crm
    ) = 1
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
    union all by name
    select * from told
)

select * from combined
