-- A roll's counts are the sums of its months, not anything averaged.
with

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
),

months as (
    select * from mart_role_scorecard
    where period_type = 'month'
),

rolls as (
    select * from mart_role_scorecard
    where period_type = 'roll3'
)

select
    rolls.role,
    rolls.period_start,
    rolls.result_k,
    rolls.result_n,
    rolls.speed_n
from rolls
inner join months
    on
        rolls.role = months.role
        and rolls.period_start <= months.period_start
        and rolls.period_end > months.period_start
group by rolls.role, rolls.period_start, rolls.result_k, rolls.result_n, rolls.speed_n, rolls.volume
having
    rolls.result_k <> sum(months.result_k)
    or rolls.result_n <> sum(months.result_n)
    or rolls.speed_n <> sum(months.speed_n)
    or rolls.volume is distinct from sum(months.volume)
    or count(*) <> 3
