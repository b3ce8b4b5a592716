{%- set groups = ['metric', 'window_days', 'month'] %}

with

int_conversion_samples as (
    select * from {{ ref('int_conversion_samples') }}
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
),

steps as (
    select *
    from {{ aalen_johansen('int_conversion_samples', groups, 'days', 'is_event', 'is_competing') }} as aj
),

running as (
    select
        *,
        sum(leaving) over so_far as left_so_far,
        sum(events) over so_far as converted_so_far,
        sum(leaving - events - competing) over so_far as censored_so_far
    from steps
    window
        so_far as (
            partition by metric, month
            order by t
            rows between unbounded preceding and current row
        )
),

cohorts as (
    select
        metric,
        window_days,
        month,
        sum(leaving) as n,
        max(t) as last_day
    from steps
    group by metric, window_days, month
),

ages as (
    select
        *,
        cast(unnest(range(0, window_days + 1)) as integer) as age_days
    from cohorts
),

-- The curve at an age is its last step up to then; who left before that age was not followed to it.
at_age as (
    select
        ages.metric,
        ages.month,
        ages.age_days,
        ages.window_days,
        ages.n as aj_n,
        coalesce(reached.converted_so_far, 0) as aj_k,
        ages.n - coalesce(passed.censored_so_far, 0) as aj_known,
        ages.n - coalesce(passed.left_so_far, 0) as at_risk,
        greatest(0.0, least(1.0, coalesce(reached.incidence, 0.0))) as aj_incidence,
        reached.ci_low,
        reached.ci_high,
        ages.last_day >= ages.age_days or coalesce(reached.survival = 0.0, false) as aj_is_followed
    from ages
    asof left join running as reached
        on
            ages.metric = reached.metric
            and ages.month = reached.month
            and ages.age_days >= reached.t
    asof left join running as passed
        on
            ages.metric = passed.metric
            and ages.month = passed.month
            and ages.age_days > passed.t
),

bounded as (
    select
        *,
        coalesce(ci_low, {{ wilson_interval('aj_k', 'aj_known', 'low') }}) as aj_ci_low,
        coalesce(ci_high, {{ wilson_interval('aj_k', 'aj_known', 'high') }}) as aj_ci_high,
        case when ci_low is null then 'wilson' else 'aalen_johansen_log_log' end as aj_ci_method
    from at_age
    where aj_is_followed
),

measured as (
    select
        metric || '_aj' as metric_id,
        month as cohort_month,
        age_days,
        cast(window_days as integer) as window_days,
        cast(at_risk as bigint) as at_risk,
        {{ incidence_columns('') }},
        cast(0.95 as double) as ci_level
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
