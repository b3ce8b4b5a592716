with

source as (
    select * from {{ source('raw_hubspot', 'calls') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as call_id,
        {{ source_key('hubspot', 'hubspot_owner_id') }} as owner_id,
        upper(nullif(trim(hs_call_direction), '')) as direction,
        upper(nullif(trim(hs_call_status), '')) as status,
        lower(nullif(trim(hs_call_disposition), '')) as disposition,
        upper(nullif(trim(hs_object_source_label), '')) as record_source,
        {{ try_cast('hs_call_duration', double()) }} / 1000 as duration_seconds,
        {{ source_key('hubspot', '_merged_into') }} as merged_into_call_id,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('hs_timestamp') }} as happened_at,
        {{ hubspot_instant('hs_createdate') }} as created_at,
        {{ failed_casts([
            ['hs_call_duration', try_cast('hs_call_duration', 'double')],
            ['hs_timestamp', hubspot_instant('hs_timestamp')],
            ['hs_createdate', hubspot_instant('hs_createdate')],
        ]) }} as failed_casts
    from source
)

select * from renamed
