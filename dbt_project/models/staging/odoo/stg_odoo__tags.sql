with

source as (
    select * from {{ source('raw_odoo', 'tags') }}
),

renamed as (
    select
        nullif(trim(id), '') as tag_id,
        nullif(trim(name), '') as tag,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
