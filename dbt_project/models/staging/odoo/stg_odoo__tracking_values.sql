with

source as (
    select * from {{ source('raw_odoo', 'tracking_values') }}
),

renamed as (
    select
        {{ source_key('odoo', 'id') }} as tracking_value_id,
        {{ source_key('odoo', 'mail_message_id') }} as message_id,
        nullif(trim(field_id), '') as field_id,
        {{ try_cast('id', 'bigint') }} as tracking_value_no,
        {{ try_cast('old_value_integer', 'bigint') }} as old_value_integer,
        {{ try_cast('new_value_integer', 'bigint') }} as new_value_integer,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ try_cast('create_date', 'timestamptz') }} as changed_at,
        {{ failed_casts([
            ['old_value_integer', try_cast('old_value_integer', 'bigint')],
            ['new_value_integer', try_cast('new_value_integer', 'bigint')],
            ['create_date', try_cast('create_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
