with

source as (
    select * from {{ source('load', 'runs') }}
),

renamed as (
    select
        run_id,
        source as source_name,
        kind as source_crm,
        is_full,
        started_at,
        high_water as high_water_at
    from source
)

select * from renamed
