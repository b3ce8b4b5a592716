-- Conservation: no activity is lost and none is doubled on the way to fct_touch.
with

activities as (
    select count(*) as row_count from {{ ref('int_activities') }}
),

touches as (
    select count(*) as row_count from {{ ref('fct_touch') }}
)

select
    activities.row_count as activity_count,
    touches.row_count as touch_count
from activities
cross join touches
where activities.row_count <> touches.row_count
