with

source as (
    select * from {{ source('raw_hubspot', 'deals') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as deal_id,
        {{ source_key('hubspot', 'hubspot_owner_id') }} as owner_id,
        nullif(trim(pipeline), '') as pipeline_id,
        nullif(trim(dealstage), '') as stage_id,
        upper(nullif(trim(deal_currency_code), '')) as currency_code,
        nullif(trim(closed_lost_reason), '') as lost_reason,
        nullif(trim(dealtype), '') as deal_type,
        {{ try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ try_cast('hs_is_closed', 'boolean') }} as is_closed,
        {{ try_cast('hs_is_closed_won', 'boolean') }} as is_closed_won,
        {{ source_key('hubspot', '_merged_into') }} as merged_into_deal_id,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('createdate') }} as created_at,
        {{ hubspot_instant('closedate') }} as expected_close_at,
        {{ failed_casts([
            ['amount', try_cast('amount', 'decimal(18, 2)')],
            ['hs_is_closed', try_cast('hs_is_closed', 'boolean')],
            ['hs_is_closed_won', try_cast('hs_is_closed_won', 'boolean')],
            ['createdate', hubspot_instant('createdate')],
            ['closedate', hubspot_instant('closedate')],
        ]) }} as failed_casts
    from source
)

select * from renamed
