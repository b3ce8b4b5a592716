with

source as (
    select * from {{ source('raw_salesforce', 'opportunities_history') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as deal_id,
        field,
        nullif(trim(value), '') as field_value,
        changed_at as seen_at
    from source
)

select * from renamed
