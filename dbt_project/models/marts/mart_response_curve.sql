{%- set groups = ['role', 'period', 'period_start'] %}

with

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_speed_samples as (
    select * from {{ ref('int_speed_samples') }}
),

periods as (
    select
        unnest(['latest3', 'previous3']) as period,
        cast(latest_complete_month - to_months(cast(unnest([2, 5]) as integer)) as date) as period_start
    from int_metric_scope
),

waits as (
    select
        int_speed_samples.role,
        periods.period,
        periods.period_start,
        int_speed_samples.speed_time_wm,
        int_speed_samples.is_speed_event
    from int_speed_samples
    inner join periods
        on
            int_speed_samples.month >= periods.period_start
            and int_speed_samples.month < periods.period_start + interval 3 month
    where int_speed_samples.role in ('inbound', 'closer')
),

steps as (
    select * from {{ kaplan_meier('waits', groups, 'speed_time_wm', 'is_speed_event') }} as km
),

-- Whole minutes: the curve just after the last step of a minute is the curve at that minute.
minutes as (
    select
        {{ groups | join(',\n        ') }},
        ceil(t) as t_wm,
        min(survival) as survival,
        arg_max(ci_low, t) as ci_low,
        case when min(survival) > 0 then arg_max(ci_high, t) end as ci_high,
        max(at_risk) as at_risk,
        sum(events) as events
    from steps
    group by {{ groups | join(', ') }}, ceil(t)
),

-- The curve starts at everybody still waiting, also when nobody was answered in the first minute.
starts as (
    select
        {{ groups | join(',\n        ') }},
        cast(0 as double) as t_wm,
        1.0 as survival,
        1.0 as ci_low,
        1.0 as ci_high,
        max(at_risk) as at_risk,
        0 as events
    from steps
    group by {{ groups | join(', ') }}
    having min(t) > 0
),

points as (
    select * from minutes
    union all by name
    select * from starts
),

measured as (
    select
        role,
        period,
        period_start,
        cast(t_wm as double) as t_wm,
        cast(survival as double) as survival,
        cast(ci_low as double) as ci_low,
        cast(ci_high as double) as ci_high,
        cast(at_risk as bigint) as at_risk,
        cast(events as bigint) as events,
        {{ publication_columns() }}
    from points
)

select * from measured
