with

source as (
    select * from {{ source('raw_hubspot', 'leads') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as lead_id,
        {{ source_key('hubspot', 'hs_primary_contact_id') }} as primary_contact_id,
        {{ source_key('hubspot', 'hubspot_owner_id') }} as owner_id,
        nullif(trim(hs_pipeline), '') as pipeline_id,
        nullif(trim(hs_pipeline_stage), '') as stage_id,
        nullif(trim(hs_lead_disqualification_reason), '') as disqualification_reason,
        upper(nullif(trim(hs_object_source_label), '')) as record_source,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('hs_createdate') }} as created_at,
        {{ failed_casts([
            ['hs_createdate', hubspot_instant('hs_createdate')],
        ]) }} as failed_casts
    from source
)

select * from renamed
