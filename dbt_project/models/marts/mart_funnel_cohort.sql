with

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_funnel_estimates as (
    select * from {{ ref('int_funnel_estimates') }}
),

-- Who reached a stage reached those before it: a customer whose calls were not logged was attempted all the same.
reached as (
    select
        entered_month,
        motion,
        source,
        has_touches,
        has_qualification,
        has_won_deals,
        is_attempted or is_contacted or is_qualified or is_customer as is_attempted,
        is_contacted or is_qualified or is_customer as is_contacted,
        is_qualified or is_customer as is_qualified,
        is_customer,
        is_due,
        is_old_enough,
        is_old_enough_to_close
    from int_cycle_outcomes
    where is_in_funnel
),

cells as (
    select
        entered_month,
        motion,
        source,
        count(*) as lead_count,
        count(case when has_touches then 1 end) as touchable_count,
        count(case when has_touches and is_due then 1 end) as due_count,
        count(case when has_touches and is_attempted then 1 end) as attempted_count,
        count(case when has_touches and is_contacted then 1 end) as contacted_count,
        count(case when has_qualification then 1 end) as qualifiable_count,
        count(case when has_qualification and is_old_enough then 1 end) as old_enough_count,
        count(case when has_qualification and is_qualified then 1 end) as qualified_count,
        count(case when has_won_deals then 1 end) as closable_count,
        count(case when has_won_deals and is_old_enough_to_close then 1 end) as old_enough_to_close_count,
        count(case when has_won_deals and is_customer then 1 end) as customer_count
    from reached
    group by entered_month, motion, source
),

-- Counts of the smallest cells add up, so each cell goes to the eight slices it belongs to.
sliced as (
    select
        unnest(['month', 'month', 'month', 'month', 'all', 'all', 'all', 'all']) as period_type,
        unnest([motion, motion, 'all', 'all', motion, motion, 'all', 'all']) as motion,
        unnest([source, 'all', source, 'all', source, 'all', source, 'all']) as source,
        * exclude (motion, source)
    from cells
),

counted as (
    select
        period_type,
        case when period_type = 'month' then entered_month end as entered_month,
        motion,
        source,
        sum(lead_count) as lead_count,
        sum(touchable_count) as touchable_count,
        sum(due_count) as due_count,
        sum(attempted_count) as attempted_count,
        sum(contacted_count) as contacted_count,
        sum(qualifiable_count) as qualifiable_count,
        sum(old_enough_count) as old_enough_count,
        sum(qualified_count) as qualified_count,
        sum(closable_count) as closable_count,
        sum(old_enough_to_close_count) as old_enough_to_close_count,
        sum(customer_count) as customer_count
    from sliced
    group by period_type, case when period_type = 'month' then entered_month end, motion, source
),

-- A stage counts the leads of those sources that record it; a source that does not leaves n, not only k.
stages as (
    select
        period_type,
        entered_month,
        motion,
        source,
        'lead' as stage,
        1 as stage_no,
        lead_count as k,
        lead_count as n,
        lead_count as old_count,
        true as is_recorded
    from counted
    union all by name
    select
        period_type,
        entered_month,
        motion,
        source,
        'attempted' as stage,
        2 as stage_no,
        attempted_count as k,
        touchable_count as n,
        due_count as old_count,
        touchable_count > 0 as is_recorded
    from counted
    union all by name
    select
        period_type,
        entered_month,
        motion,
        source,
        'contacted' as stage,
        3 as stage_no,
        contacted_count as k,
        touchable_count as n,
        due_count as old_count,
        touchable_count > 0 as is_recorded
    from counted
    union all by name
    select
        period_type,
        entered_month,
        motion,
        source,
        'qualified' as stage,
        4 as stage_no,
        qualified_count as k,
        qualifiable_count as n,
        old_enough_count as old_count,
        qualifiable_count > 0 as is_recorded
    from counted
    union all by name
    select
        period_type,
        entered_month,
        motion,
        source,
        'customer' as stage,
        5 as stage_no,
        customer_count as k,
        closable_count as n,
        old_enough_to_close_count as old_count,
        closable_count > 0 as is_recorded
    from counted
),

-- The speed marts tell how fast leads are attempted and contacted; only the two conversions have a window in days.
estimated as (
    select
        stages.*,
        int_metric_scope.first_month,
        int_funnel_estimates.window_days,
        {{ aj_columns('int_funnel_estimates') }}
    from stages
    cross join int_metric_scope
    left join int_funnel_estimates
        on
            stages.period_type = int_funnel_estimates.period_type
            and stages.entered_month is not distinct from int_funnel_estimates.entered_month
            and stages.motion = int_funnel_estimates.motion
            and stages.source = int_funnel_estimates.source
            and stages.stage = int_funnel_estimates.stage
),

measured as (
    select
        period_type,
        coalesce(entered_month, first_month) as period_start,
        motion,
        source,
        stage,
        cast(stage_no as integer) as stage_no,
        {{ rate_columns('', 'k', 'n', '1.0 * old_count / nullif(n, 0)', 'is_recorded') }},
        cast(window_days as integer) as aj_window_days,
        {{ incidence_columns('aj', "is_recorded and stage in ('qualified', 'customer')") }},
        case when is_recorded then 'measured' else 'not_measurable' end as status,
        {{ publication_columns() }}
    from estimated
)

select * from measured
