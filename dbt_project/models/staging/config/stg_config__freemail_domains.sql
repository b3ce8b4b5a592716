with

source as (
    select * from {{ source('config', 'freemail_domains') }}
),

renamed as (
    select domain_key
    from source
)

select * from renamed
