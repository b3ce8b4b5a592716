with

source as (
    select * from {{ source('load', 'rejects') }}
),

renamed as (
    select
        run_id,
        source as source_name,
        object,
        record_id,
        field,
        reason
    from source
)

select * from renamed
