with

source as (
    select * from {{ source('config', 'threshold_rules') }}
),

renamed as (
    select
        rule_id,
        role,
        metric,
        comparator,
        unit,
        source_sentence,
        effect,
        threshold
    from source
)

select * from renamed
