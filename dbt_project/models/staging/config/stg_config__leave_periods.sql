with

source as (
    select * from {{ source('config', 'leave_periods') }}
),

renamed as (
    select
        rep_id,
        share,
        valid_from,
        -- The config names the first day back at work.
        cast(valid_to - 1 as date) as valid_to
    from source
)

select * from renamed
