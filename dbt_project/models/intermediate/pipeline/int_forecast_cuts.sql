{{ config(materialized='table') }}

-- The cut, and the same point of each of the 24 months before: a forecast made on the fifth is judged by forecasts
-- made on the fifth.
with

counted as (
    select unnest(range(0, 25)) as months_ago
),

months as (
    select
        months_ago,
        cast(
            date_trunc('month', {{ local_date(as_of()) }}) - to_months(cast(months_ago as integer)) as date
        ) as month
    from counted
),

bounds as (
    select
        *,
        {{ local_midnight('month') }} as month_starts_at,
        {{ local_midnight('cast(month + interval 1 month as date)') }} as month_ends_at
    from months
)

select
    cast(months_ago as integer) as months_ago,
    month,
    months_ago = 0 as is_now,
    case
        when months_ago = 0 then {{ as_of() }}
        else
            least(
                month_starts_at + ({{ as_of() }} - first_value(month_starts_at) over (order by months_ago)),
                month_ends_at - interval 1 second
            )
    end as cut_at
from bounds
