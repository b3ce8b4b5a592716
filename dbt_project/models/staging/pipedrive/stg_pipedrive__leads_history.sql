with

source as (
    select * from {{ source('raw_pipedrive', 'leads_history') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as lead_id,
        field,
        nullif(trim(value), '') as seen_value,
        changed_at as seen_at
    from source
)

select * from renamed
