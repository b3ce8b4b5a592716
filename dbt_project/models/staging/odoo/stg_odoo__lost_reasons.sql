with

source as (
    select * from {{ source('raw_odoo', 'lost_reasons') }}
),

renamed as (
    select
        nullif(trim(id), '') as lost_reason_id,
        nullif(trim(name), '') as lost_reason,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
