with

source as (
    select * from {{ source('raw_salesforce', 'dated_conversion_rates') }}
),

renamed as (
    select
        id as rate_id,
        nullif(trim(iso_code), '') as currency_code,
        {{ try_cast('conversion_rate', double()) }} as units_per_base,
        {{ try_cast('start_date', 'date') }} as rate_date,
        _deleted_at is not null as is_deleted,
        {{ failed_casts([
            ['conversion_rate', try_cast('conversion_rate', 'double')],
            ['start_date', try_cast('start_date', 'date')],
        ]) }} as failed_casts
    from source
)

select * from renamed
