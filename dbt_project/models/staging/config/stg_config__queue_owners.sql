with

source as (
    select * from {{ source('config', 'queue_owners') }}
),

renamed as (
    select
        source_crm,
        owner_id
    from source
)

select * from renamed
