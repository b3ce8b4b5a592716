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

int_speed_estimates as (
    select * from {{ ref('int_speed_estimates') }}
),

int_conversion_estimates as (
    select * from {{ ref('int_conversion_estimates') }}
),

int_speed_sensitivity as (
    select * from {{ ref('int_speed_sensitivity') }}
),

recorded as (
    select
        coalesce(bool_or(has_qualification), false) as has_qualification,
        coalesce(bool_or(has_won_deals), false) as has_won_deals,
        coalesce(bool_or(has_touches), false) as has_touches,
        coalesce(bool_or(has_lead_speed), false) as has_lead_speed
    from int_source_capabilities
),

sliced as (
    select
        *,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_cycle_outcomes
    where motion = 'inbound'
),

counted as (
    select
        cohort_month as month,
        slice_type,
        slice_value,
        count(case when is_counted then 1 end) as lead_count,
        count(case when not is_counted then 1 end) as excluded_count,
        count(case when is_counted and has_qualification then 1 end) as cohort_count,
        count(case when is_counted and has_qualification and is_old_enough then 1 end) as old_enough_count,
        count(
            case when is_counted and has_qualification and is_old_enough and is_qualified_in_window then 1 end
        ) as qualified_count,
        count(case when is_counted and has_won_deals then 1 end) as customer_cohort_count,
        count(
            case when is_counted and has_won_deals and is_old_enough_to_close then 1 end
        ) as old_enough_to_close_count,
        count(case when is_counted and is_customer then 1 end) as customer_count,
        count(case when is_counted and has_won_deals and is_customer then 1 end) as customer_in_cohort_count,
        count(case when is_counted and has_touches then 1 end) as touchable_count,
        count(case when is_counted and has_lead_speed then 1 end) as timeable_count,
        count(case when is_counted and has_touches and is_due and not is_unlogged then 1 end) as due_count,
        count(
            case when is_counted and has_touches and is_due and not is_unlogged and not is_attempted then 1 end
        ) as never_answered_count,
        count(case when is_counted and has_touches and is_attempted then 1 end) as attempted_count,
        count(case when is_counted and has_touches and is_attempted and is_contacted then 1 end) as contacted_count,
        count(case when is_counted and has_touches and (is_qualified or is_customer) then 1 end) as converted_count,
        count(
            case when is_counted and has_touches and (is_qualified or is_customer) and is_unlogged then 1 end
        ) as unlogged_count,
        avg(case when is_counted and has_touches and age_working_days >= 10 then attempts_10wd end) as attempts_per_lead
    from sliced
    group by cohort_month, slice_type, slice_value
),

-- Every month has a row for the whole team, also one without leads; a source or rep only where it had any.
keys as (
    select
        month,
        'all' as slice_type,
        'all' as slice_value
    from int_months
    union
    select
        counted.month,
        counted.slice_type,
        counted.slice_value
    from counted
    cross join int_metric_scope
    where counted.slice_type <> 'rep' or int_metric_scope.has_people_metrics
),

filled as (
    select
        int_months.month,
        int_months.is_complete,
        keys.slice_type,
        keys.slice_value,
        coalesce(counted.lead_count, 0) as lead_count,
        coalesce(counted.excluded_count, 0) as excluded_count,
        coalesce(counted.cohort_count, 0) as cohort_count,
        coalesce(counted.old_enough_count, 0) as old_enough_count,
        coalesce(counted.qualified_count, 0) as qualified_count,
        coalesce(counted.customer_cohort_count, 0) as customer_cohort_count,
        coalesce(counted.old_enough_to_close_count, 0) as old_enough_to_close_count,
        coalesce(counted.customer_count, 0) as customer_count,
        coalesce(counted.customer_in_cohort_count, 0) as customer_in_cohort_count,
        coalesce(counted.due_count, 0) as due_count,
        coalesce(counted.never_answered_count, 0) as never_answered_count,
        coalesce(counted.attempted_count, 0) as attempted_count,
        coalesce(counted.contacted_count, 0) as contacted_count,
        coalesce(counted.converted_count, 0) as converted_count,
        coalesce(counted.unlogged_count, 0) as unlogged_count,
        counted.attempts_per_lead,
        -- A slice is measurable when some of its leads are; an empty one, when any source records the event.
        coalesce(nullif(counted.lead_count, 0) is null and recorded.has_qualification, false)
        or coalesce(counted.cohort_count > 0, false) as is_qualification_recorded,
        coalesce(nullif(counted.lead_count, 0) is null and recorded.has_won_deals, false)
        or coalesce(counted.customer_cohort_count > 0, false) as is_customer_recorded,
        coalesce(nullif(counted.lead_count, 0) is null and recorded.has_touches, false)
        or coalesce(counted.touchable_count > 0, false) as is_touch_recorded,
        coalesce(nullif(counted.lead_count, 0) is null and recorded.has_lead_speed, false)
        or coalesce(counted.timeable_count > 0, false) as is_speed_recorded
    from keys
    inner join int_months on keys.month = int_months.month
    left join counted
        on
            keys.month = counted.month
            and keys.slice_type = counted.slice_type
            and keys.slice_value = counted.slice_value
    cross join recorded
),

timed as (
    select
        filled.*,
        coalesce(int_speed_estimates.n, 0) as speed_n,
        coalesce(int_speed_estimates.answered, 0) as speed_answered,
        int_speed_estimates.median_wm,
        int_speed_estimates.median_ci_low_wm,
        int_speed_estimates.median_ci_high_wm,
        int_speed_estimates.p90_wm,
        int_speed_estimates.mean_restricted_wm,
        int_speed_sensitivity.median_low_wm,
        int_speed_sensitivity.median_high_wm,
        {{ aj_columns('int_conversion_estimates') }},
        {{ speed_status('int_speed_estimates.n', 'is_speed_recorded', 'unlogged_count', 'converted_count') }}
            as speed_status
    from filled
    left join int_speed_estimates
        on
            int_speed_estimates.role = 'inbound'
            and int_speed_estimates.period_type = 'month'
            and filled.month = int_speed_estimates.period_start
            and filled.slice_type = int_speed_estimates.slice_type
            and filled.slice_value = int_speed_estimates.slice_value
    left join int_speed_sensitivity
        on
            filled.month = int_speed_sensitivity.month
            and filled.slice_type = int_speed_sensitivity.slice_type
            and filled.slice_value = int_speed_sensitivity.slice_value
    left join int_conversion_estimates
        on
            int_conversion_estimates.metric = 'lead_to_qualified'
            and filled.month = int_conversion_estimates.month
            and filled.slice_type = int_conversion_estimates.slice_type
            and filled.slice_value = int_conversion_estimates.slice_value
),

measured as (
    select
        slice_type,
        slice_value,
        month,
        is_complete,
        cast(lead_count as integer) as inbound_leads,
        cast(excluded_count as integer) as excluded_leads,
        {{ rate_columns('lead_to_qualified', 'qualified_count', 'old_enough_count',
            '1.0 * old_enough_count / nullif(cohort_count, 0)', 'is_qualification_recorded') }},
        {{ incidence_columns('lead_to_qualified_aj', 'is_qualification_recorded') }},
        {{ rate_columns('lead_to_customer', 'customer_in_cohort_count', 'customer_cohort_count',
            '1.0 * old_enough_to_close_count / nullif(customer_cohort_count, 0)', 'is_customer_recorded') }},
        cast(speed_n as bigint) as lead_speed_n,
        cast(speed_answered as bigint) as lead_speed_answered,
        cast(case when speed_status = 'measured' then median_wm end as double) as lead_speed_median_wm,
        cast(case when speed_status = 'measured' then median_ci_low_wm end as double) as lead_speed_median_ci_low,
        cast(case when speed_status = 'measured' then median_ci_high_wm end as double) as lead_speed_median_ci_high,
        cast(case when speed_status = 'measured' then p90_wm end as double) as lead_speed_p90_wm,
        cast(case when speed_status = 'measured' then mean_restricted_wm end as double)
            as lead_speed_mean_restricted_wm,
        cast(case when speed_status = 'measured' then median_low_wm end as double) as lead_speed_median_if_at_once_wm,
        cast(case when speed_status = 'measured' then median_high_wm end as double)
            as lead_speed_median_if_at_conversion_wm,
        speed_status as lead_speed_status,
        {{ rate_columns('never_answered', 'never_answered_count', 'due_count',
            '1.0 * due_count / nullif(lead_count - unlogged_count, 0)', 'is_touch_recorded') }},
        {{ rate_columns('contacted', 'contacted_count', 'attempted_count', '1.0', 'is_touch_recorded') }},
        cast(attempts_per_lead as double) as attempts_per_lead,
        {{ rate_columns('unlogged', 'unlogged_count', 'converted_count', '1.0', 'is_touch_recorded') }},
        -- R1: 26 minutes a lead (8 hours a week for 80 leads a month, 52 / 12 weeks a month).
        cast(lead_count * 0.1 * 52.0 / 12.0 as double) as inbound_hours_needed,
        cast(customer_count as integer) as customers
    from timed
),

compared as (
    select
        *,
        {{ publication_columns() }}
    from {{ beside_month_before(
        'measured', ['lead_to_qualified', 'never_answered'], lower_is_better=['never_answered']
    ) }} as months
)

select * from compared
