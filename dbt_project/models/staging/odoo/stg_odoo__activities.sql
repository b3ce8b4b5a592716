with

source as (
    select * from {{ source('raw_odoo', 'activities') }}
),

renamed as (
    select
        {{ source_key('odoo', 'id') }} as activity_id,
        {{ source_key('odoo', 'res_id') }} as lead_id,
        {{ source_key('odoo', 'user_id') }} as owner_id,
        {{ source_key('odoo', 'calendar_event_id') }} as meeting_id,
        nullif(trim(activity_type_id), '') as activity_type_id,
        {{ try_cast('active', 'boolean') }} as is_active,
        {{ try_cast('date_done', 'date') }} as done_date,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ try_cast('create_date', 'timestamptz') }} as created_at,
        {{ failed_casts([
            ['active', try_cast('active', 'boolean')],
            ['date_done', try_cast('date_done', 'date')],
            ['create_date', try_cast('create_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
