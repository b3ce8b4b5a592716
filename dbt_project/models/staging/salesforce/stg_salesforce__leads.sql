with

source as (
    select * from {{ source('raw_salesforce', 'leads') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as lead_id,
        {{ source_key('salesforce', 'owner_id') }} as owner_id,
        {{ source_key('salesforce', 'created_by_id') }} as created_by_id,
        {{ source_key('salesforce', 'master_record_id') }} as merged_into_lead_id,
        {{ source_key('salesforce', 'converted_contact_id') }} as converted_contact_id,
        {{ source_key('salesforce', 'converted_opportunity_id') }} as converted_opportunity_id,
        nullif(trim(status), '') as status,
        nullif(trim(lead_source), '') as source_value,
        _deleted_how as deleted_how,
        {{ try_cast('is_converted', 'boolean') }} as is_converted,
        _deleted_at is not null as is_deleted,
        {{ try_cast('converted_date', 'date') }} as converted_date,
        {{ try_cast('created_date', 'timestamptz') }} as created_at,
        {{ try_cast('last_form', 'timestamptz') }} as last_form_at,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['is_converted', try_cast('is_converted', 'boolean')],
            ['converted_date', try_cast('converted_date', 'date')],
            ['created_date', try_cast('created_date', 'timestamptz')],
            ['last_form', try_cast('last_form', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
