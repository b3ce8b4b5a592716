{{ config(materialized='table') }}

-- The windows in which findings are looked for, and how a query and a sentence name them. Earlier windows are kept, so
-- that the newest one can say since when it holds.
with

int_months as (
    select * from {{ ref('int_months') }}
),

spans as (
    select
        month as last_month,
        cast(month - interval 2 month as date) as window_start,
        next_month as window_end,
        month_no as last_month_no,
        ends_at as cut_at,
        is_latest_complete as is_newest
    from int_months
    where is_complete and month_no >= 3
)

select
    *,
    format('date ''{}''', window_start) as from_sql,
    format('date ''{}''', window_end) as until_sql,
    format('timestamptz ''{}''', strftime(timezone('UTC', {{ as_of() }}), '%Y-%m-%d %H:%M:%S.%f+00')) as as_of_sql,
    format('{} t/m {}', window_start, window_end - 1) as period_nl,
    format('{} to {}', window_start, window_end - 1) as period_en
from spans
