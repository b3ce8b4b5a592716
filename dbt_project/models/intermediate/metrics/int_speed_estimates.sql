{{ config(materialized='table') }}

{%- set groups = ['role', 'slice_type', 'slice_value', 'period_type', 'period_start'] %}
{#- 40 working hours: the mean follow-up time up to one working week. #}
{%- set tau = '2400.0' %}

with

int_speed_samples as (
    select * from {{ ref('int_speed_samples') }}
),

by_month as (
    select
        role,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value,
        'month' as period_type,
        month as period_start,
        speed_time_wm,
        is_speed_event
    from int_speed_samples
),

-- Each waiting time lies in three rolling periods: those that start in its month or one of the two before.
by_roll as (
    select
        role,
        'all' as slice_type,
        'all' as slice_value,
        'roll3' as period_type,
        cast(month - to_months(cast(unnest([0, 1, 2]) as integer)) as date) as period_start,
        speed_time_wm,
        is_speed_event
    from int_speed_samples
),

waits as (
    select * from by_month
    union all by name
    select * from by_roll
),

summaries as (
    select
        {{ groups | join(',\n        ') }},
        n,
        answered,
        median as median_wm,
        median_ci_low as median_ci_low_wm,
        median_ci_high as median_ci_high_wm,
        p90 as p90_wm,
        mean_restricted as mean_restricted_wm
    from {{ kaplan_meier_summary('waits', groups, 'speed_time_wm', 'is_speed_event', tau) }} as km
)

select * from summaries
