with

currency_types as (
    select * from {{ ref('stg_salesforce__currency_types') }}
    where units_per_base > 0
),

dated_rates as (
    select * from {{ ref('stg_salesforce__dated_conversion_rates') }}
    where units_per_base > 0 and not is_deleted
),

-- The corporate currency is worth itself, always.
base as (
    select
        currency_code,
        cast(1 as {{ double() }}) as units_per_base,
        date '1900-01-01' as rate_date
    from currency_types
    where is_base
),

-- Where rates have days, those are the ones of opportunities, and the currency's own is for everything else.
dated as (
    select
        currency_code,
        units_per_base,
        rate_date
    from dated_rates
    where currency_code not in (select base.currency_code from base)
),

-- A rate without a day holds since somebody last changed it; what it was before nobody knows.
undated as (
    select
        currency_code,
        units_per_base,
        {{ local_date('updated_at') }} as rate_date
    from currency_types
    where
        not is_base
        and updated_at is not null
        and currency_code not in (select dated.currency_code from dated)
),

combined as (
    select * from base
    union all by name
    select * from dated
    union all by name
    select * from undated
)

select
    'salesforce' as source_crm,
    currency_code,
    units_per_base,
    rate_date
from combined
