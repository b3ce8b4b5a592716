{{ config(materialized='table') }}

-- Kaplan-Meier of the time a deal stays in a stage, by the month of entry, the three months up to it, and over all.
-- Deals still there count as waiting; a stage jumped over was never waited in.
with

stage_visits as (
    select * from {{ ref('int_deal_stage_visits') }}
    where not was_skipped and not is_closed
),

waits as (
    select
        source_crm,
        pipeline_id,
        stage_id,
        cast(date_trunc('month', {{ local_date('entered_at') }}) as date) as month,
        (epoch(coalesce(exited_at, {{ as_of() }})) - epoch(entered_at)) / 86400.0 as days,
        exited_at is not null as is_left
    from stage_visits
),

-- A visit counts for its own month and, in the rolls, for the two months that follow.
periods as (
    select
        * exclude (month),
        'month' as period_type,
        month as period_start
    from waits
    union all by name
    select
        * exclude (month),
        'roll3' as period_type,
        cast(month - to_months(cast(unnest(range(0, 3)) as integer)) as date) as period_start
    from waits
    union all by name
    select
        * exclude (month),
        'all' as period_type,
        date '1900-01-01' as period_start
    from waits
),

curves as (
    select * from {{ kaplan_meier(
        'periods', ['source_crm', 'pipeline_id', 'stage_id', 'period_type', 'period_start'], 'days', 'is_left'
    ) }}
)

-- The product of fractions misses its mark by a rounding step; without the tolerance a median moves a step.
select
    source_crm,
    pipeline_id,
    stage_id,
    period_type,
    period_start,
    cast(sum(leaving) as bigint) as n,
    cast(sum(events) as bigint) as left_count,
    min(case when survival <= 0.5 + 1e-9 then t end) as median_days,
    min(case when ci_low <= 0.5 + 1e-9 then t end) as median_ci_low_days,
    min(case when ci_high <= 0.5 + 1e-9 then t end) as median_ci_high_days,
    min(case when survival <= 0.2 + 1e-9 then t end) as p80_days
from curves
group by source_crm, pipeline_id, stage_id, period_type, period_start
