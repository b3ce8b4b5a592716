with

int_months as (
    select * from {{ ref('int_months') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

int_outbound_touches as (
    select * from {{ ref('int_outbound_touches') }}
),

int_outbound_rhythm as (
    select * from {{ ref('int_outbound_rhythm') }}
),

int_conversion_estimates as (
    select * from {{ ref('int_conversion_estimates') }}
),

-- Working days of people with hours of their own; everybody else works the company's.
rep_months as (
    select
        rep_id,
        month,
        count(case when is_working_day then 1 end) as working_day_count
    from {{ ref('int_rep_days') }}
    group by rep_id, month
),

recorded as (
    select
        coalesce(bool_or(has_qualification), false) as has_qualification,
        coalesce(bool_or(has_touches), false) as has_touches
    from int_source_capabilities
),

sliced_cycles as (
    select
        *,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_cycle_outcomes
    where motion = 'outbound'
),

cohorts as (
    select
        cohort_month as month,
        slice_type,
        slice_value,
        count(case when is_counted then 1 end) as prospect_count,
        count(case when is_counted and has_qualification then 1 end) as cohort_count,
        count(case when is_counted and has_qualification and is_old_enough then 1 end) as old_enough_count,
        count(
            case when is_counted and has_qualification and is_old_enough and is_qualified_in_window then 1 end
        ) as qualified_count,
        count(case when is_counted and is_attempted then 1 end) as attempted_count,
        count(case when is_counted and is_attempted and is_contacted then 1 end) as contacted_count
    from sliced_cycles
    group by cohort_month, slice_type, slice_value
),

sliced_touches as (
    select
        *,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_outbound_touches
),

touches as (
    select
        month,
        slice_type,
        slice_value,
        count(*) as touch_count,
        count(distinct person_id) as person_count,
        count(case when is_new_prospect then 1 end) as new_count,
        count(case when is_reactivated_prospect then 1 end) as reactivated_count
    from sliced_touches
    group by month, slice_type, slice_value
),

keys as (
    select
        month,
        'all' as slice_type,
        'all' as slice_value
    from int_months
    union
    select
        cohorts.month,
        cohorts.slice_type,
        cohorts.slice_value
    from cohorts
    cross join int_metric_scope
    where
        (cohorts.slice_type <> 'rep' or int_metric_scope.has_people_metrics)
        and cohorts.prospect_count > 0
    union
    select
        touches.month,
        touches.slice_type,
        touches.slice_value
    from touches
    cross join int_metric_scope
    where touches.slice_type <> 'rep' or int_metric_scope.has_people_metrics
),

filled as (
    select
        int_months.month,
        int_months.is_complete,
        coalesce(rep_months.working_day_count, int_months.working_day_count) as working_day_count,
        keys.slice_type,
        keys.slice_value,
        coalesce(touches.touch_count, 0) as touch_count,
        touches.person_count,
        coalesce(touches.new_count, 0) as new_count,
        coalesce(touches.reactivated_count, 0) as reactivated_count,
        coalesce(cohorts.cohort_count, 0) as cohort_count,
        coalesce(cohorts.old_enough_count, 0) as old_enough_count,
        coalesce(cohorts.qualified_count, 0) as qualified_count,
        coalesce(cohorts.attempted_count, 0) as attempted_count,
        coalesce(cohorts.contacted_count, 0) as contacted_count,
        coalesce(int_outbound_rhythm.active_day_count, 0) as active_day_count,
        coalesce(
            int_outbound_rhythm.longest_gap_day_count, rep_months.working_day_count, int_months.working_day_count
        ) as longest_gap_day_count,
        {{ aj_columns('int_conversion_estimates') }},
        recorded.has_touches as is_touch_recorded,
        coalesce(nullif(cohorts.prospect_count, 0) is null and recorded.has_qualification, false)
        or coalesce(cohorts.cohort_count > 0, false) as is_qualification_recorded
    from keys
    inner join int_months on keys.month = int_months.month
    left join rep_months
        on keys.slice_type = 'rep' and keys.slice_value = rep_months.rep_id and keys.month = rep_months.month
    left join cohorts
        on
            keys.month = cohorts.month
            and keys.slice_type = cohorts.slice_type
            and keys.slice_value = cohorts.slice_value
    left join touches
        on
            keys.month = touches.month
            and keys.slice_type = touches.slice_type
            and keys.slice_value = touches.slice_value
    left join int_outbound_rhythm
        on
            keys.month = int_outbound_rhythm.month
            and keys.slice_type = int_outbound_rhythm.slice_type
            and keys.slice_value = int_outbound_rhythm.slice_value
    left join int_conversion_estimates
        on
            int_conversion_estimates.metric = 'prospect_to_qualified'
            and keys.month = int_conversion_estimates.month
            and keys.slice_type = int_conversion_estimates.slice_type
            and keys.slice_value = int_conversion_estimates.slice_value
    cross join recorded
),

measured as (
    select
        slice_type,
        slice_value,
        month,
        is_complete,
        cast(touch_count as integer) as outbound_touches,
        cast(new_count as integer) as new_prospects,
        cast(reactivated_count as integer) as reactivated_prospects,
        {{ rate_columns('prospect_to_qualified', 'qualified_count', 'old_enough_count',
            '1.0 * old_enough_count / nullif(cohort_count, 0)', 'is_touch_recorded and is_qualification_recorded') }},
        {{ incidence_columns('prospect_to_qualified_aj', 'is_touch_recorded and is_qualification_recorded') }},
        {{ rate_columns('contacted', 'contacted_count', 'attempted_count', '1.0', 'is_touch_recorded') }},
        cast(1.0 * touch_count / nullif(person_count, 0) as double) as touches_per_prospect,
        cast(case when is_touch_recorded then active_day_count end as integer) as active_days,
        cast(working_day_count as integer) as working_days,
        cast(case when is_touch_recorded then 1.0 * active_day_count / nullif(working_day_count, 0) end as double)
            as active_days_share,
        cast(case when is_touch_recorded then longest_gap_day_count end as integer) as longest_gap_working_days
    from filled
),

compared as (
    select
        *,
        {{ publication_columns() }}
    from {{ beside_month_before('measured', ['prospect_to_qualified']) }} as months
)

select * from compared
