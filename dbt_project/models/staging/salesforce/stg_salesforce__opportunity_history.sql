with

source as (
    select * from {{ source('raw_salesforce', 'opportunity_history') }}
),

renamed as (
    select
        id as history_id,
        {{ source_key('salesforce', 'opportunity_id') }} as deal_id,
        {{ source_key('salesforce', 'created_by_id') }} as changed_by_id,
        nullif(trim(stage_name), '') as stage_id,
        {{ try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ try_cast('close_date', 'date') }} as close_date,
        {{ try_cast('created_date', 'timestamptz') }} as changed_at,
        {{ failed_casts([
            ['amount', try_cast('amount', 'decimal(18, 2)')],
            ['close_date', try_cast('close_date', 'date')],
            ['created_date', try_cast('created_date', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
