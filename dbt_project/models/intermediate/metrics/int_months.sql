{{ config(materialized='table') }}

with

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

spine as (
    select
        cast(unnest(range(
            cast(least(first_month, current_month) as timestamp),
            cast(current_month as timestamp) + interval 1 month,
            interval 1 month
        )) as date) as month,
        current_month,
        latest_complete_month,
        as_of_at
    from int_metric_scope
),

-- Working days that have begun: in the running month the days still to come are nobody's gap.
working_days as (
    select
        dim_date.month_start as month,
        count(*) as working_day_count
    from dim_date
    cross join int_metric_scope
    where
        dim_date.is_working_day
        and dim_date.date_day <= cast(timezone('{{ var("timezone") }}', int_metric_scope.as_of_at) as date)
    group by dim_date.month_start
),

numbered as (
    select
        spine.month,
        cast(spine.month + interval 1 month as date) as next_month,
        cast(row_number() over (order by spine.month) as integer) as month_no,
        cast(coalesce(working_days.working_day_count, 0) as integer) as working_day_count,
        spine.month <= spine.latest_complete_month as is_complete,
        spine.month = spine.latest_complete_month as is_latest_complete,
        timezone('{{ var("timezone") }}', cast(spine.month as timestamp)) as starts_at,
        timezone('{{ var("timezone") }}', cast(spine.month + interval 1 month as timestamp)) as ends_at
    from spine
    left join working_days on spine.month = working_days.month
)

select * from numbered
