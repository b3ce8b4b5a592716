with

source as (
    select * from {{ source('config', 'people') }}
),

renamed as (
    select
        rep_id,
        rep_key,
        label,
        seniority,
        team,
        hours_week,
        hired_on
    from source
)

select * from renamed
