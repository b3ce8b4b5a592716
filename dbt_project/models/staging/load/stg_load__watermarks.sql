with

source as (
    select * from {{ source('load', 'watermarks') }}
),

renamed as (
    select
        source as source_name,
        object,
        run_id,
        closed_until as closed_until_at
    from source
)

select * from renamed
