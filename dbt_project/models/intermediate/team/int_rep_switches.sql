{{ config(materialized='table') }}

-- How often somebody changed role from one touch to the next on one day. Days on which a touch is known by its date
-- only have no order and are left out.
with

int_touch_work as (
    select * from {{ ref('int_touch_work') }}
    where
        is_human_attempt
        and rep_id is not null
        and serves in ('inbound', 'outbound', 'closer', 'relationship')
),

ordered as (
    select
        rep_id,
        at_local_date,
        serves,
        bool_or(precision = 'day') over (partition by rep_id, at_local_date) as is_unordered,
        lag(serves) over (partition by rep_id, at_local_date order by at_utc, touch_id) as previous_serves
    from int_touch_work
)

select
    rep_id,
    cast(date_trunc('month', at_local_date) as date) as month,
    count(distinct at_local_date) as day_count,
    count(previous_serves) as pair_count,
    count(case when previous_serves <> serves then 1 end) as switch_count
from ordered
where not is_unordered
group by rep_id, cast(date_trunc('month', at_local_date) as date)
