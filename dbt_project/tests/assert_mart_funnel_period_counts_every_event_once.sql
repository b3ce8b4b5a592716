-- Over all months a stage has as many events as the whole funnel has leads that got there by an event of their own; a
-- ratio lies inside its interval.
with

totals as (
    select
        stage,
        sum(event_count) as published
    from {{ ref('mart_funnel_period') }}
    where motion = 'all'
    group by stage
),

counted as (
    select
        unnest(['lead', 'qualified', 'customer']) as stage,
        unnest([
            count(*),
            count(case when has_qualification and is_qualified then 1 end),
            count(case when has_won_deals and is_customer then 1 end)
        ]) as expected
    from {{ ref('int_cycle_outcomes') }}
    where is_in_funnel
),

-- Whoever qualified before the first month of the months is left out of them.
missed as (
    select
        counted.stage,
        counted.expected,
        totals.published
    from counted
    inner join totals on counted.stage = totals.stage
    where totals.published > counted.expected or (counted.stage = 'lead' and totals.published <> counted.expected)
),

outside as (
    select
        stage,
        throughput_ci_low as expected,
        throughput_ratio as published
    from {{ ref('mart_funnel_period') }}
    where
        not coalesce(
            throughput_ratio between throughput_ci_low - 1e-12 and throughput_ci_high + 1e-12, true
        )
        or (throughput_ratio is null and throughput_grade in ('ok', 'indicative'))
        or (throughput_ratio is not null and throughput_grade in ('insufficient', 'not_measurable'))
)

select * from missed
union all by name
select * from outside
