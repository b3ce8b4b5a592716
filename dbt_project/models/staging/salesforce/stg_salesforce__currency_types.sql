with

source as (
    select * from {{ source('raw_salesforce', 'currency_types') }}
),

renamed as (
    select
        id as currency_id,
        nullif(trim(iso_code), '') as currency_code,
        {{ try_cast('conversion_rate', double()) }} as units_per_base,
        {{ try_cast('is_corporate', 'boolean') }} as is_base,
        updated_at,
        {{ failed_casts([
            ['conversion_rate', try_cast('conversion_rate', 'double')],
            ['is_corporate', try_cast('is_corporate', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
