with

source as (
    select * from {{ source('config', 'lead_milestones') }}
),

renamed as (
    select
        source_crm,
        field,
        value as field_value,
        milestone
    from source
)

select * from renamed
