with

source as (
    select * from {{ source('raw_odoo', 'users') }}
),

renamed as (
    select
        {{ source_key('odoo', 'id') }} as user_id,
        {{ source_key('odoo', 'partner_id') }} as partner_id,
        {{ try_cast('active', 'boolean') }} as is_active,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['active', try_cast('active', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
