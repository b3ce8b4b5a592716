with

source as (
    select * from {{ source('raw_salesforce', 'users') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as user_id,
        lower(nullif(trim(user_type), '')) as user_type,
        {{ try_cast('is_active', 'boolean') }} as is_active,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['is_active', try_cast('is_active', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
