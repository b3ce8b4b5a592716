with

source as (
    select * from {{ source('config', 'lead_sources') }}
),

renamed as (
    select
        crm_value,
        source,
        motion
    from source
)

select * from renamed
