{%- set stages = ['lead', 'attempted', 'contacted', 'qualified', 'customer'] %}

-- Events of a month over events of the same month: a throughput ratio. It mixes leads of different ages, may exceed 1,
-- and is never called a conversion; mart_funnel_cohort has those.
with

int_months as (
    select * from {{ ref('int_months') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where is_in_funnel
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
    where metric_id = 'throughput_ratio'
),

recorded as (
    select
        unnest({{ stages }}) as stage,
        unnest(range(1, {{ stages | length + 1 }})) as stage_no,
        unnest([
            true,
            coalesce(bool_or(has_touches), false),
            coalesce(bool_or(has_touches), false),
            coalesce(bool_or(has_qualification), false),
            coalesce(bool_or(has_won_deals), false)
        ]) as is_recorded
    from int_source_capabilities
),

-- The stage before that is recorded at all: without logged calls the qualified ones come from the leads.
chained as (
    select
        *,
        last_value(case when is_recorded then stage end ignore nulls) over (
            order by stage_no rows between unbounded preceding and 1 preceding
        ) as previous_stage
    from recorded
),

events as (
    select
        motion,
        unnest({{ stages }}) as stage,
        unnest([
            entered_month,
            case when has_touches then attempted_month end,
            case when has_touches then contacted_month end,
            case when has_qualification then qualified_month end,
            case when has_won_deals then customer_month end
        ]) as month
    from int_cycle_outcomes
),

cells as (
    select
        month,
        unnest([motion, 'all']) as motion,
        stage
    from events
    where month is not null
),

counted as (
    select
        month,
        motion,
        stage,
        count(*) as event_count
    from cells
    group by month, motion, stage
),

motions as (
    select unnest(['all', 'inbound', 'outbound']) as motion
),

filled as (
    select
        int_months.month,
        int_months.is_complete,
        motions.motion,
        chained.stage,
        chained.stage_no,
        chained.previous_stage,
        chained.is_recorded,
        coalesce(counted.event_count, 0) as event_count,
        coalesce(earlier.event_count, 0) as previous_count
    from int_months
    cross join motions
    cross join chained
    left join counted
        on
            int_months.month = counted.month
            and motions.motion = counted.motion
            and chained.stage = counted.stage
    left join counted as earlier
        on
            int_months.month = earlier.month
            and motions.motion = earlier.motion
            and chained.previous_stage = earlier.stage
),

-- Two independent Poisson counts: given their sum the first is binomial, so the ratio is the odds of a Wilson interval.
bounded as (
    select
        *,
        is_recorded and previous_stage is not null and previous_count >= {{ var('min_n_rate') }} as is_shown,
        {{ wilson_interval('event_count', '(event_count + previous_count)', 'low') }} as share_low,
        {{ wilson_interval('event_count', '(event_count + previous_count)', 'high') }} as share_high
    from filled
),

measured as (
    select
        month,
        is_complete,
        motion,
        stage,
        cast(stage_no as integer) as stage_no,
        previous_stage,
        'period' as time_basis,
        'throughput_ratio' as metric_id,
        cast(event_count as bigint) as event_count,
        cast(previous_count as bigint) as previous_count,
        cast(case when is_shown then 1.0 * event_count / previous_count end as double) as throughput_ratio,
        cast(case when is_shown then share_low / (1.0 - share_low) end as double) as throughput_ci_low,
        cast(case when is_shown then share_high / (1.0 - share_high) end as double) as throughput_ci_high,
        'wilson_odds' as throughput_ci_method,
        cast(0.95 as double) as ci_level,
        case
            when not is_recorded or previous_stage is null then 'not_measurable'
            when previous_count < {{ var('min_n_rate') }} then 'insufficient'
            when
                previous_count >= 20
                and (share_high / (1.0 - share_high) - share_low / (1.0 - share_low)) / 2.0 <= 0.10
                then 'ok'
            else 'indicative'
        end as throughput_grade
    from bounded
),

published as (
    select
        measured.*,
        int_metrics.version as metric_version,
        {{ publication_columns() }}
    from measured
    left join int_metrics on measured.metric_id = int_metrics.metric_id
)

select * from published
