with

source as (
    select * from {{ source('raw_odoo', 'leads') }}
),

renamed as (
    select
        {{ source_key('odoo', 'id') }} as lead_id,
        {{ source_key('odoo', 'user_id') }} as owner_id,
        {{ source_key('odoo', 'partner_id') }} as partner_id,
        nullif(trim(team_id), '') as team_id,
        nullif(trim(stage_id), '') as stage_id,
        nullif(trim(company_currency), '') as currency_id,
        nullif(trim(lost_reason_id), '') as lost_reason_id,
        nullif(trim(source_id), '') as lead_source_id,
        nullif(trim(medium_id), '') as lead_medium_id,
        nullif(trim(type), '') as lead_type,
        nullif(trim(email_key), '') as email_key,
        nullif(trim(email_domain_key), '') as email_domain_key,
        {{ try_cast('tag_ids', 'bigint[]') }} as tag_ids,
        {{ try_cast('id', 'bigint') }} as lead_no,
        {{ try_cast('expected_revenue', 'decimal(18, 2)') }} as expected_revenue,
        {{ try_cast('probability', double()) }} as probability,
        {{ try_cast('active', 'boolean') }} as is_active,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ try_cast('create_date', 'timestamptz') }} as created_at,
        {{ try_cast('date_conversion', 'timestamptz') }} as converted_at,
        {{ try_cast('date_closed', 'timestamptz') }} as closed_at,
        {{ try_cast('date_last_stage_update', 'timestamptz') }} as stage_entered_at,
        {{ failed_casts([
            ['expected_revenue', try_cast('expected_revenue', 'decimal(18, 2)')],
            ['probability', try_cast('probability', 'double')],
            ['active', try_cast('active', 'boolean')],
            ['tag_ids', try_cast('tag_ids', 'bigint[]')],
            ['create_date', try_cast('create_date', 'timestamptz')],
            ['date_conversion', try_cast('date_conversion', 'timestamptz')],
            ['date_closed', try_cast('date_closed', 'timestamptz')],
            ['date_last_stage_update', try_cast('date_last_stage_update', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
