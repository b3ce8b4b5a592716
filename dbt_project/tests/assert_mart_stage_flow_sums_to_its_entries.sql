-- Nothing that entered a stage is lost on the way, and nothing comes out that did not enter.
with

mart_stage_flow as (
    select * from {{ ref('mart_stage_flow') }}
),

fct_deal_stage_interval as (
    select * from {{ ref('fct_deal_stage_interval') }}
    where not is_closed
),

published as (
    select coalesce(sum(entries), 0) as entries from mart_stage_flow
),

counted as (
    select count(*) as entries from fct_deal_stage_interval
)

select
    cast(month as text) as what,
    entries
from mart_stage_flow
where entries <> advanced + lost + won + moved_back + handed_off + still_there
union all by name
select
    'all months' as what,
    published.entries
from published
inner join counted on published.entries <> counted.entries
