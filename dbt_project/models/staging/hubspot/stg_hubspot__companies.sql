with

source as (
    select * from {{ source('raw_hubspot', 'companies') }}
),

renamed as (
    select
        {{ source_key('hubspot', 'id') }} as company_id,
        {{ source_key('hubspot', '_merged_into') }} as merged_into_company_id,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ hubspot_instant('createdate') }} as created_at,
        {{ failed_casts([
            ['createdate', hubspot_instant('createdate')],
        ]) }} as failed_casts
    from source
)

select * from renamed
