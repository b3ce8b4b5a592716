with

source as (
    select * from {{ source('raw_hubspot', 'tasks') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as task_id,
        {{ source_key('hubspot', 'hubspot_owner_id') }} as owner_id,
        upper(nullif(trim(hs_task_status), '')) as status,
        upper(nullif(trim(hs_object_source_label), '')) as record_source,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('hs_timestamp') }} as due_at,
        {{ hubspot_instant('hs_createdate') }} as created_at,
        {{ hubspot_instant('hs_task_completion_date') }} as completed_at,
        {{ failed_casts([
            ['hs_timestamp', hubspot_instant('hs_timestamp')],
            ['hs_createdate', hubspot_instant('hs_createdate')],
            ['hs_task_completion_date', hubspot_instant('hs_task_completion_date')],
        ]) }} as failed_casts
    from source
)

select * from renamed
