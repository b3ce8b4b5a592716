with

source as (
    select * from {{ source('config', 'exclusion_rules') }}
),

renamed as (
    select
        rule_id,
        field,
        value as field_value,
        reason,
        author,
        added_on
    from source
)

select * from renamed
