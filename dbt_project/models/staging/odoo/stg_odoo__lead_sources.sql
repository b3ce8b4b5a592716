with

source as (
    select * from {{ source('raw_odoo', 'lead_sources') }}
),

renamed as (
    select
        nullif(trim(id), '') as lead_source_id,
        nullif(trim(name), '') as lead_source,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
