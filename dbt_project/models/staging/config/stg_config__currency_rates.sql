with

source as (
    select * from {{ source('config', 'currency_rates') }}
),

renamed as (
    select
        currency_code,
        rate_date,
        rate
    from source
)

select * from renamed
