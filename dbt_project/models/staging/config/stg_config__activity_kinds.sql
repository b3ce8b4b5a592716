with

source as (
    select * from {{ source('config', 'activity_kinds') }}
),

renamed as (
    select
        source_crm,
        lower(type) as activity_type,
        kind,
        direction,
        outcome
    from source
)

select * from renamed
