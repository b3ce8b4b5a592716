with

source as (
    select * from {{ source('config', 'holidays') }}
),

renamed as (
    select
        calendar,
        label as holiday_label,
        holiday_date
    from source
)

select * from renamed
