with

rules as (
    select * from {{ ref('stg_config__exclusion_rules') }}
)

select * from rules
