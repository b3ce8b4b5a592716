with

source as (
    select * from {{ source('raw_pipedrive', 'deals') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as deal_id,
        {{ source_key('pipedrive:deal', 'id') }} as own_lead_id,
        {{ source_key('pipedrive', 'source_lead_id') }} as source_lead_id,
        {{ source_key('pipedrive', 'person_id') }} as person_id,
        {{ source_key('pipedrive:organization', 'org_id') }} as organization_id,
        {{ source_key('pipedrive', 'owner_id') }} as owner_id,
        {{ source_key('pipedrive', 'creator_user_id') }} as created_by_id,
        nullif(trim(pipeline_id), '') as pipeline_id,
        nullif(trim(stage_id), '') as stage_id,
        lower(nullif(trim(status), '')) as status,
        upper(nullif(trim(currency), '')) as currency_code,
        nullif(trim(lost_reason), '') as lost_reason,
        nullif(trim(origin), '') as origin,
        nullif(trim(channel), '') as channel,
        nullif(trim(custom_source), '') as custom_source,
        nullif(trim(custom_type), '') as custom_type,
        {{ try_cast('value', 'decimal(18, 2)') }} as amount,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        {{ try_cast('expected_close_date', 'date') }} as expected_close_date,
        updated_at,
        _deleted_at as deleted_at,
        {{ pipedrive_instant('add_time') }} as created_at,
        {{ pipedrive_instant('stage_change_time') }} as stage_changed_at,
        {{ pipedrive_instant('won_time') }} as won_at,
        {{ pipedrive_instant('lost_time') }} as lost_at,
        {{ failed_casts([
            ['expected_close_date', try_cast('expected_close_date', 'date')],
            ['value', try_cast('value', 'decimal(18, 2)')],
            ['add_time', pipedrive_instant('add_time')],
            ['stage_change_time', pipedrive_instant('stage_change_time')],
            ['won_time', pipedrive_instant('won_time')],
            ['lost_time', pipedrive_instant('lost_time')],
        ]) }} as failed_casts
    from source
)

select * from renamed
