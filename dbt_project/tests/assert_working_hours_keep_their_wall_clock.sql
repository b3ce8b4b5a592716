-- The day the clocks change opens at the same local time as any other.
with

openings as (
    select
        date_day,
        start_utc,
        cast(timezone('{{ var("timezone") }}', start_utc) as time) as opens
    from {{ ref('int_working_intervals') }}
)

select openings.*
from openings
left join {{ ref('stg_config__working_hours') }} as working_hours
    on isodow(openings.date_day) = working_hours.iso_weekday and openings.opens = working_hours.opens
where working_hours.opens is null
