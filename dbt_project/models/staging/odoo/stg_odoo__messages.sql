with

source as (
    select * from {{ source('raw_odoo', 'messages') }}
),

renamed as (
    select
        {{ source_key('odoo', 'id') }} as message_id,
        {{ source_key('odoo', 'res_id') }} as lead_id,
        {{ source_key('odoo', 'author_id') }} as author_id,
        nullif(trim(mail_activity_type_id), '') as activity_type_id,
        nullif(trim(message_type), '') as message_type,
        {{ try_cast('is_internal', 'boolean') }} as is_internal,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ try_cast('date', 'timestamptz') }} as written_at,
        {{ try_cast('create_date', 'timestamptz') }} as created_at,
        {{ failed_casts([
            ['is_internal', try_cast('is_internal', 'boolean')],
            ['date', try_cast('date', 'timestamptz')],
            ['create_date', try_cast('create_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
