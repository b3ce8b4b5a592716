with

source as (
    select * from {{ source('config', 'finding_suppressions') }}
),

renamed as (
    select
        suppression_id,
        rule_id,
        scope_value,
        reason as suppressed_reason,
        suppressed_by,
        suppressed_until
    from source
)

select * from renamed
