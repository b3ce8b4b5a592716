-- The report reads the newest row of each rule: there must be exactly one, unless no month is complete yet.
with

mart_staffing as (
    select * from {{ ref('mart_staffing') }}
)

select
    rule_id,
    count(case when is_latest then 1 end) as latest_count
from mart_staffing
group by rule_id
having count(case when is_latest then 1 end) <> 1
