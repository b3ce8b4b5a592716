with

source as (
    select * from {{ source('raw_pipedrive', 'persons') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as person_id,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ pipedrive_instant('add_time') }} as created_at,
        {{ failed_casts([
            ['add_time', pipedrive_instant('add_time')],
        ]) }} as failed_casts
    from source
)

select * from renamed
