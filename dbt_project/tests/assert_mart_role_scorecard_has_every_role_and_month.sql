-- Each of the three roles has a row for every month of the spine, measurable or not.
with

int_months as (
    select * from {{ ref('int_months') }}
),

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
)

select
    int_months.month,
    count(mart_role_scorecard.role) as role_count
from int_months
left join mart_role_scorecard
    on
        mart_role_scorecard.period_type = 'month'
        and int_months.month = mart_role_scorecard.period_start
group by int_months.month
having count(mart_role_scorecard.role) <> 3
