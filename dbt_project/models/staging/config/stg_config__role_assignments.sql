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
        valid_to
    from source
)

select * from renamed
