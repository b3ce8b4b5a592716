with

source as (
    select * from {{ source('config', 'schedules') }}
),

renamed as (
    select
        schedule_no,
        calendar,
        valid_from,
        valid_to
    from source
)

select * from renamed
