with

source as (
    select * from {{ source('raw_salesforce', 'opportunities') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as deal_id,
        {{ source_key('salesforce', 'owner_id') }} as owner_id,
        {{ source_key('salesforce', 'created_by_id') }} as created_by_id,
        nullif(trim(stage_name), '') as stage_id,
        upper(nullif(trim(currency_iso_code), '')) as currency_code,
        nullif(trim(lost_reason), '') as lost_reason,
        nullif(trim(type), '') as deal_type,
        _deleted_how as deleted_how,
        {{ try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ try_cast('is_closed', 'boolean') }} as is_closed,
        {{ try_cast('is_won', 'boolean') }} as is_won,
        _deleted_at is not null as is_deleted,
        {{ try_cast('close_date', 'date') }} as close_date,
        {{ try_cast('created_date', 'timestamptz') }} as created_at,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['amount', try_cast('amount', 'decimal(18, 2)')],
            ['is_closed', try_cast('is_closed', 'boolean')],
            ['is_won', try_cast('is_won', 'boolean')],
            ['close_date', try_cast('close_date', 'date')],
            ['created_date', try_cast('created_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
