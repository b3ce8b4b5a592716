-- Two tables say when a threshold will be passed; they may not differ, and both must follow from the forecast itself.
with

mart_staffing as (
    select * from {{ ref('mart_staffing') }}
),

mart_staffing_forecast as (
    select * from {{ ref('mart_staffing_forecast') }}
),

first_months as (
    select
        rule_id,
        count(*) as month_count,
        min(case when p_cross >= 0.5 then month end) as first_month,
        max(expected_cross_month) as expected_cross_month,
        max(hire_by) as hire_by
    from mart_staffing_forecast
    group by rule_id
)

select
    mart_staffing.rule_id,
    mart_staffing.state,
    mart_staffing.expected_cross_month,
    first_months.first_month
from mart_staffing
left join first_months on mart_staffing.rule_id = first_months.rule_id
where
    mart_staffing.is_latest
    and mart_staffing.rule_id in ('R2', 'R3', 'R6')
    and (
        coalesce(first_months.month_count, 0)
        <> case when mart_staffing.state = 'insufficient_data' then 0 else 6 end
        or mart_staffing.expected_cross_month is distinct from first_months.expected_cross_month
        or mart_staffing.hire_by is distinct from first_months.hire_by
        or (
            mart_staffing.state in ('below', 'approaching')
            and mart_staffing.expected_cross_month is distinct from first_months.first_month
        )
    )
