with

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
)

select
    calendar,
    date_day,
    start_utc,
    end_utc,
    interval_minutes as working_minutes,
    {{ publication_columns() }}
from int_working_intervals
