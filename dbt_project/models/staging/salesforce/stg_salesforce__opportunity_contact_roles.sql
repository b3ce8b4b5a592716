with

source as (
    select * from {{ source('raw_salesforce', 'opportunity_contact_roles') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as contact_role_id,
        {{ source_key('salesforce', 'opportunity_id') }} as deal_id,
        {{ source_key('salesforce', 'contact_id') }} as contact_id,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
