with

source as (
    select * from {{ source('config', 'role_assignments') }}
),

renamed as (
    select
        rep_id,
        role,
        seniority,
        share,
        valid_from,
        -- The config names the first day on which the role is over.
        cast(valid_to - 1 as date) as valid_to
    from source
)

select * from renamed
