with

source as (
    select * from {{ source('raw_csv', 'deals') }}
),

renamed as (
    select
        {{ source_key('csv', 'id') }} as deal_id,
        {{ source_key('csv', 'lead_id') }} as lead_id,
        {{ source_key('csv', 'owner_id') }} as owner_id,
        {{ source_key('csv', 'qualified_by') }} as qualified_by_id,
        {{ source_key('csv', 'closed_by') }} as closed_by_id,
        nullif(trim(stage), '') as stage_id,
        nullif(trim(lost_reason), '') as lost_reason,
        nullif(trim(deal_type), '') as deal_type,
        upper(nullif(trim(currency), '')) as currency_code,
        {{ try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ csv_precision('created_at') }} as created_precision,
        {{ csv_precision('won_at') }} as won_precision,
        {{ csv_precision('lost_at') }} as lost_precision,
        nullif(trim(email_key), '') as email_key,
        coalesce(nullif(trim(domain_key), ''), nullif(trim(email_domain_key), '')) as domain_key,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ csv_instant('created_at') }} as created_at,
        {{ csv_instant('won_at') }} as won_at,
        {{ csv_instant('lost_at') }} as lost_at,
        {{ failed_casts([
            ['amount', try_cast('amount', 'decimal(18, 2)')],
            ['created_at', csv_instant('created_at')],
            ['won_at', csv_instant('won_at')],
            ['lost_at', csv_instant('lost_at')],
        ]) }} as failed_casts
    from source
)

select * from renamed
