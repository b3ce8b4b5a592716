with

source as (
    select * from {{ source('load', 'coverage') }}
),

renamed as (
    select
        source as source_name,
        kind as source_crm,
        object,
        is_available,
        covers_until as covers_until_at
    from source
)

select * from renamed
