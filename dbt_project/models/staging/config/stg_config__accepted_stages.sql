with

source as (
    select * from {{ source('config', 'accepted_stages') }}
),

renamed as (
    select
        source_crm,
        stage_id
    from source
)

select * from renamed
