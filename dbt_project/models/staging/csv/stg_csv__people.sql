with

source as (
    select * from {{ source('raw_csv', 'people') }}
),

renamed as (
    select
        {{ source_key('csv', 'id') }} as person_id,
        {{ try_cast('active', 'boolean') }} as is_active,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['active', try_cast('active', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
