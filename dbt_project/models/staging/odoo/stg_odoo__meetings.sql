with

source as (
    select * from {{ source('raw_odoo', 'meetings') }}
),

renamed as (
    select
        {{ source_key('odoo', 'id') }} as meeting_id,
        {{ source_key('odoo', 'opportunity_id') }} as lead_id,
        {{ source_key('odoo', 'user_id') }} as owner_id,
        {{ try_cast('active', 'boolean') }} as is_active,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ try_cast('start', 'timestamptz') }} as started_at,
        {{ try_cast('stop', 'timestamptz') }} as ended_at,
        {{ try_cast('create_date', 'timestamptz') }} as created_at,
        {{ failed_casts([
            ['active', try_cast('active', 'boolean')],
            ['start', try_cast('start', 'timestamptz')],
            ['stop', try_cast('stop', 'timestamptz')],
            ['create_date', try_cast('create_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
