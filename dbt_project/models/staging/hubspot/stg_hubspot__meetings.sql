with

source as (
    select * from {{ source('raw_hubspot', 'meetings') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as meeting_id,
        {{ source_key('hubspot', 'hubspot_owner_id') }} as owner_id,
        upper(nullif(trim(hs_meeting_outcome), '')) as outcome,
        upper(nullif(trim(hs_object_source_label), '')) as record_source,
        {{ source_key('hubspot', '_merged_into') }} as merged_into_meeting_id,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('hs_timestamp') }} as happened_at,
        {{ hubspot_instant('hs_createdate') }} as created_at,
        {{ hubspot_instant('hs_meeting_start_time') }} as started_at,
        {{ hubspot_instant('hs_meeting_end_time') }} as ended_at,
        {{ failed_casts([
            ['hs_timestamp', hubspot_instant('hs_timestamp')],
            ['hs_createdate', hubspot_instant('hs_createdate')],
            ['hs_meeting_start_time', hubspot_instant('hs_meeting_start_time')],
            ['hs_meeting_end_time', hubspot_instant('hs_meeting_end_time')],
        ]) }} as failed_casts
    from source
)

select * from renamed
