with

source as (
    select * from {{ source('raw_odoo', 'activity_types') }}
),

renamed as (
    select
        nullif(trim(id), '') as activity_type_id,
        nullif(trim(name), '') as activity_type,
        nullif(trim(category), '') as category,
        nullif(trim(icon), '') as icon,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
