with

source as (
    select * from {{ source('raw_hubspot', 'owners') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as owner_id,
        nullif(trim(user_id), '') as user_id,
        upper(nullif(trim(type), '')) as owner_type,
        {{ try_cast('archived', 'boolean') }} as is_archived,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['archived', try_cast('archived', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
