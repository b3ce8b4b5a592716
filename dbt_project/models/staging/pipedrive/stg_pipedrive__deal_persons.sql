with

source as (
    select * from {{ source('raw_pipedrive', 'deals_persons') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'from_id') }} as deal_id,
        {{ source_key('pipedrive', 'to_id') }} as person_id
    from source
)

select * from renamed
