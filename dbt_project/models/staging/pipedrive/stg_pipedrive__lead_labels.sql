with

source as (
    select * from {{ source('raw_pipedrive', 'lead_labels') }}
),

renamed as (
    select
        nullif(trim(id), '') as label_id,
        nullif(trim(name), '') as label,
        _deleted_at is not null as is_deleted,
        _deleted_at as deleted_at
    from source
)

select * from renamed
