with

source as (
    select * from {{ source('raw_hubspot', 'contacts') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as contact_id,
        {{ source_key('hubspot', 'hubspot_owner_id') }} as owner_id,
        nullif(trim(lifecyclestage), '') as lifecycle_stage,
        nullif(trim(hs_lead_status), '') as lead_status,
        nullif(trim(hs_analytics_source), '') as source_value,
        nullif(trim(hs_object_source_label), '') as record_source,
        nullif(trim(hs_merged_object_ids), '') as merged_object_ids,
        {{ source_key('hubspot', '_merged_into') }} as merged_into_contact_id,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('createdate') }} as created_at,
        {{ hubspot_instant('first_conversion_date') }} as first_conversion_at,
        {{ hubspot_instant('recent_conversion_date') }} as recent_conversion_at,
        {{ failed_casts([
            ['createdate', hubspot_instant('createdate')],
            ['first_conversion_date', hubspot_instant('first_conversion_date')],
            ['recent_conversion_date', hubspot_instant('recent_conversion_date')],
        ]) }} as failed_casts
    from source
)

select * from renamed
