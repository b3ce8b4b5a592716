with

source as (
    select * from {{ source('config', 'exclusion_rules') }}
),

renamed as (
    select
        rule_id,
        field,
        comparator,
        value as field_value,
        compared_with,
        reason,
        author,
        added_on
    from source
)

select * from renamed
