with

source as (
    select * from {{ source('raw_pipedrive', 'field_options') }}
),

renamed as (
    select
        nullif(trim(id), '') as field_option_id,
        nullif(trim(field_code), '') as field_code,
        nullif(trim(option_id), '') as option_id,
        nullif(trim(label), '') as option_label,
        _deleted_at is not null as is_deleted,
        _deleted_at as deleted_at
    from source
)

select * from renamed
