with

source as (
    select * from {{ source('config', 'working_hours') }}
),

renamed as (
    select
        schedule_no,
        iso_weekday,
        opens,
        closes
    from source
)

select * from renamed
