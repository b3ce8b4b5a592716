with

source as (
    select * from {{ source('raw_salesforce', 'leads_history') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as lead_id,
        field,
        nullif(trim(value), '') as field_value,
        changed_at as seen_at
    from source
)

select * from renamed
