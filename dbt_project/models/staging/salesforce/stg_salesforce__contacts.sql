with

source as (
    select * from {{ source('raw_salesforce', 'contacts') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as contact_id,
        {{ source_key('salesforce', 'owner_id') }} as owner_id,
        {{ source_key('salesforce', 'master_record_id') }} as merged_into_contact_id,
        nullif(trim(lead_source), '') as source_value,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        {{ try_cast('created_date', 'timestamptz') }} as created_at,
        {{ try_cast('last_form', 'timestamptz') }} as last_form_at,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['created_date', try_cast('created_date', 'timestamptz')],
            ['last_form', try_cast('last_form', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
