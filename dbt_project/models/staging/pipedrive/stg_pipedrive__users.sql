with

source as (
    select * from {{ source('raw_pipedrive', 'users') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as user_id,
        {{ try_cast('active_flag', 'boolean') }} as is_active,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['active_flag', try_cast('active_flag', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
