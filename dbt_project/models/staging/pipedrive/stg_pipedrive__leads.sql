with

source as (
    select * from {{ source('raw_pipedrive', 'leads') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as lead_id,
        {{ source_key('pipedrive', 'person_id') }} as person_id,
        {{ source_key('pipedrive:organization', 'organization_id') }} as organization_id,
        {{ source_key('pipedrive', 'owner_id') }} as owner_id,
        {{ source_key('pipedrive', 'creator_id') }} as created_by_id,
        nullif(trim(source_name), '') as source_name,
        nullif(trim(origin), '') as origin,
        nullif(trim(channel), '') as channel,
        nullif(trim(custom_source), '') as custom_source,
        {{ try_cast('is_archived', 'boolean') }} as is_archived,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ pipedrive_instant('add_time') }} as created_at,
        {{ failed_casts([
            ['is_archived', try_cast('is_archived', 'boolean')],
            ['add_time', pipedrive_instant('add_time')],
        ]) }} as failed_casts
    from source
)

select * from renamed
