with

source as (
    select * from {{ source('raw_odoo', 'tracked_fields') }}
),

renamed as (
    select
        nullif(trim(id), '') as field_id,
        nullif(trim(name), '') as field,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
