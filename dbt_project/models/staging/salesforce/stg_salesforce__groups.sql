with

source as (
    select * from {{ source('raw_salesforce', 'groups') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as group_id,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
