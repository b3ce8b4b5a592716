{{ config(materialized='table') }}

with

int_touch_work as (
    select * from {{ ref('int_touch_work') }}
),

counted as (
    select
        rep_id,
        cast(date_trunc('month', at_local_date) as date) as month,
        count(*) as touch_count,
        count(case when serves = 'inbound' then 1 end) as inbound_count,
        count(case when serves = 'outbound' then 1 end) as outbound_count,
        count(case when serves = 'closer' then 1 end) as closer_count,
        count(case when serves = 'relationship' then 1 end) as relationship_count
    from int_touch_work
    where is_human_attempt and rep_id is not null
    group by rep_id, cast(date_trunc('month', at_local_date) as date)
)

select * from counted
