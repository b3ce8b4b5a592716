with

dim_threshold_rule as (
    select * from {{ ref('dim_threshold_rule') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_staffing_rates as (
    select * from {{ ref('int_staffing_rates') }}
),

int_staffing_states as (
    select * from {{ ref('int_staffing_states') }}
),

int_role_capacity as (
    select * from {{ ref('int_role_capacity') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_lifetime_values as (
    select * from {{ ref('int_lifetime_values') }}
),

decisive as (
    select * from int_lifetime_values
    where is_decisive
),

recorded as (
    select coalesce(bool_or(has_touches), false) as has_touches
    from int_source_capabilities
),

-- No assignment at all means that capacity is unknown; a role nobody has, among known ones, is zero. Roles inferred
-- without logged work say nothing about who does outbound: it leaves no other trace.
assigned as (
    select
        count(int_role_capacity.rep_id) > 0 as is_known,
        count(int_role_capacity.rep_id) > 0
        and (recorded.has_touches or coalesce(bool_or(int_role_capacity.is_configured), false)) as is_outbound_known
    from recorded
    left join int_role_capacity on true
    group by recorded.has_touches
),

role_months as (
    select
        month,
        role,
        cast(sum(cast(fte as decimal(18, 10))) as double) as fte,
        cast(sum(cast(assigned_fte as decimal(18, 10))) as double) as assigned_fte
    from int_role_capacity
    group by month, role
),

rep_months as (
    select
        month,
        rep_id,
        cast(sum(cast(fte as decimal(18, 10))) as double) as fte,
        cast(sum(cast(assigned_fte as decimal(18, 10))) as double) as assigned_fte,
        count(distinct role) as role_count,
        bool_or(role = 'closer') and bool_or(role <> 'closer') as is_shared_closer,
        bool_or(role = 'closer') and bool_or(role = 'outbound') as is_closer_and_outbound
    from int_role_capacity
    where role in ('inbound', 'outbound', 'closer')
    group by month, rep_id
),

team_months as (
    select
        month,
        count(*) as person_count,
        max(role_count) as most_roles,
        cast(sum(cast(fte as decimal(18, 10))) as double) as fte,
        cast(sum(cast(assigned_fte as decimal(18, 10))) as double) as assigned_fte,
        bool_or(is_shared_closer) as has_shared_closer,
        bool_or(is_closer_and_outbound) as has_closer_and_outbound
    from rep_months
    group by month
),

per_lead as (
    select threshold as hours_week_per_lead
    from dim_threshold_rule
    where rule_id = 'R1'
),

volume_needs as (
    select
        int_staffing_rates.*,
        int_staffing_states.state,
        int_staffing_states.expected_cross_month,
        int_metric_scope.fte_hours_week,
        int_staffing_rates.month = int_metric_scope.latest_complete_month as is_latest,
        coalesce(team_months.has_shared_closer, false) as has_shared_closer,
        case
            when int_staffing_rates.is_recorded
                then {{ required_fte(
                    'int_staffing_rates.role', 'int_staffing_rates.volume', 'int_staffing_rates.threshold',
                    'per_lead.hours_week_per_lead', 'int_metric_scope.fte_hours_week'
                ) }}
        end as required_fte,
        case when assigned.is_known then coalesce(role_months.assigned_fte, 0.0) end as assigned_fte,
        case when assigned.is_known then coalesce(role_months.fte, 0.0) end as available_fte
    from int_staffing_rates
    inner join int_staffing_states
        on
            int_staffing_rates.rule_id = int_staffing_states.rule_id
            and int_staffing_rates.month = int_staffing_states.month
    cross join int_metric_scope
    left join per_lead on true
    cross join assigned
    left join role_months
        on
            int_staffing_rates.month = role_months.month
            and int_staffing_rates.role = role_months.role
    left join team_months on int_staffing_rates.month = team_months.month
),

volume_gaps as (
    select
        *,
        required_fte * fte_hours_week as hours_week_needed,
        required_fte - available_fte as gap_fte
    from volume_needs
),

volume_rules as (
    select
        rule_id,
        role,
        month,
        case when is_recorded then volume end as volume,
        rate_estimate,
        rate_ci_low,
        rate_ci_high,
        case when is_estimated then 'gamma_quasi_poisson' end as rate_ci_method,
        case when is_estimated then phi end as phi,
        case when is_recorded then months_3 else 0 end as months_used,
        threshold,
        comparator,
        unit,
        case when is_recorded then {{ meets_threshold('volume', 'comparator', 'threshold') }} end as is_threshold_met,
        p_cross,
        state,
        hours_week_needed,
        required_fte,
        assigned_fte,
        available_fte,
        gap_fte,
        expected_cross_month,
        case
            when state = 'insufficient_data' then 'need_more_data'
            when rule_id = 'R3' and state = 'crossed' then 'marketing_first'
            when rule_id = 'R3' then 'no_change'
            -- Who already has the people has nothing to hire: they come back from leave, and new ones grow into it.
            when coalesce(required_fte - assigned_fte, 1.0) <= 0 then 'no_change'
            when rule_id = 'R6' and state = 'crossed' and has_shared_closer then 'split_role'
            when state = 'crossed' then 'hire_full_time'
            when state in ('crossed_provisional', 'approaching') then 'prepare_hire'
            else 'no_change'
        end as recommendation,
        is_latest
    from volume_gaps
),

needs as (
    select sum(required_fte) as required_fte
    from volume_rules
    where is_latest and rule_id in ('R2', 'R6')
),

team_now as (
    select
        int_metric_scope.latest_complete_month as month,
        int_metric_scope.employee_count,
        coalesce(int_metric_scope.is_startup, false) as is_startup,
        -- Who is seen in two roles may have an outbound one that left no trace.
        case
            when assigned.is_outbound_known or team_months.most_roles = 3 then team_months.most_roles
        end as most_roles,
        -- Nobody left yet: the value is at least the lower end.
        coalesce(decisive.estimate, decisive.ci_low) as lifetime_value,
        case when decisive.basis = 'observed' then 'lower_bound' else decisive.basis end as lifetime_value_basis,
        decisive.ci_low as lifetime_value_ci_low,
        decisive.ci_high as lifetime_value_ci_high,
        decisive.p_above as lifetime_value_p_above,
        assigned.is_known,
        coalesce(team_months.person_count, 0) as person_count,
        coalesce(team_months.has_closer_and_outbound, false) as has_closer_and_outbound,
        case when assigned.is_known then coalesce(team_months.fte, 0.0) end as team_fte,
        case when assigned.is_known then coalesce(team_months.assigned_fte, 0.0) end as team_assigned_fte,
        case when assigned.is_outbound_known then coalesce(outbound_months.fte, 0.0) end as outbound_fte,
        case when assigned.is_outbound_known then coalesce(outbound_months.assigned_fte, 0.0) end
            as outbound_assigned_fte,
        case when assigned.is_known then coalesce(closer_months.fte, 0.0) end as closer_fte,
        case when assigned.is_known then coalesce(closer_months.assigned_fte, 0.0) end as closer_assigned_fte,
        needs.required_fte
    from int_metric_scope
    cross join assigned
    left join team_months on int_metric_scope.latest_complete_month = team_months.month
    left join role_months as outbound_months
        on
            int_metric_scope.latest_complete_month = outbound_months.month
            and outbound_months.role = 'outbound'
    left join role_months as closer_months
        on
            int_metric_scope.latest_complete_month = closer_months.month
            and closer_months.role = 'closer'
    cross join needs
    left join decisive on true
),

company_volumes as (
    select
        dim_threshold_rule.rule_id,
        dim_threshold_rule.role,
        dim_threshold_rule.threshold,
        dim_threshold_rule.comparator,
        dim_threshold_rule.unit,
        team_now.month,
        team_now.required_fte,
        team_now.outbound_assigned_fte,
        team_now.has_closer_and_outbound,
        team_now.is_startup,
        case when dim_threshold_rule.rule_id = 'R5' then team_now.lifetime_value_basis end as volume_basis,
        case when dim_threshold_rule.rule_id = 'R5' then team_now.lifetime_value_ci_low end as rate_ci_low,
        case when dim_threshold_rule.rule_id = 'R5' then team_now.lifetime_value_ci_high end as rate_ci_high,
        case when dim_threshold_rule.rule_id = 'R5' then team_now.lifetime_value_p_above end as p_above,
        cast(
            case
                when dim_threshold_rule.rule_id in ('R4', 'R7') then team_now.employee_count
                when dim_threshold_rule.rule_id = 'R5' then team_now.lifetime_value
                when dim_threshold_rule.rule_id = 'R8' and team_now.is_known then team_now.person_count
                when dim_threshold_rule.rule_id = 'R9' then team_now.most_roles
            end as double
        ) as volume,
        case
            when dim_threshold_rule.rule_id in ('R4', 'R5') then team_now.outbound_assigned_fte
            when dim_threshold_rule.rule_id = 'R7' then team_now.closer_assigned_fte
            else team_now.team_assigned_fte
        end as assigned_fte,
        case
            when dim_threshold_rule.rule_id in ('R4', 'R5') then team_now.outbound_fte
            when dim_threshold_rule.rule_id = 'R7' then team_now.closer_fte
            else team_now.team_fte
        end as available_fte
    from dim_threshold_rule
    cross join team_now
    where dim_threshold_rule.rule_id in ('R4', 'R5', 'R7', 'R8', 'R9')
),

company_edges as (
    select
        *,
        {{ meets_threshold('volume', 'comparator', 'threshold') }} as is_threshold_met
    from company_volumes
),

company_chances as (
    select
        *,
        coalesce(p_above, case when is_threshold_met then 1.0 when not is_threshold_met then 0.0 end) as p_cross
    from company_edges
),

company_states as (
    select
        *,
        case
            when volume is null then 'insufficient_data'
            when p_cross > {{ var('prob_cross') }} then 'crossed'
            -- What customers brought in so far may end above the threshold yet.
            when volume_basis = 'lower_bound' then 'insufficient_data'
            else 'below'
        end as state
    from company_chances
),

company_rules as (
    select
        rule_id,
        role,
        month,
        volume,
        volume_basis,
        case when volume_basis is not null then volume end as rate_estimate,
        rate_ci_low,
        rate_ci_high,
        case
            when rate_ci_low is null then null
            when volume_basis = 'subscription' then 'jeffreys_churn'
            else 'student_t'
        end as rate_ci_method,
        threshold,
        comparator,
        unit,
        is_threshold_met,
        cast(p_cross as double) as p_cross,
        state,
        case when rule_id = 'R8' then required_fte end as required_fte,
        assigned_fte,
        available_fte,
        case when rule_id = 'R8' then required_fte - available_fte end as gap_fte,
        case
            when state = 'insufficient_data' then 'need_more_data'
            when rule_id in ('R4', 'R5') and state = 'crossed' and outbound_assigned_fte is null then 'need_more_data'
            when rule_id in ('R4', 'R5') and state = 'crossed' and outbound_assigned_fte < 1.0 then 'hire_outbound_now'
            when rule_id = 'R7' and is_threshold_met then 'combine_closer_outbound'
            when rule_id = 'R7' and has_closer_and_outbound then 'split_role'
            when rule_id = 'R8' and not is_threshold_met and coalesce(required_fte, 0.0) <= 1.0 then 'two_part_timers'
            when rule_id = 'R8' and not is_threshold_met then 'hire_full_time'
            -- For a start-up it is advice, which finding F7 gives.
            when rule_id = 'R9' and not is_threshold_met and not is_startup then 'split_role'
            else 'no_change'
        end as recommendation,
        true as is_latest
    from company_states
),

rules as (
    select * from volume_rules
    union all by name
    select * from company_rules
),

measured as (
    select
        rule_id,
        role,
        month,
        cast(volume as double) as volume,
        volume_basis,
        cast(rate_estimate as double) as rate_estimate,
        cast(rate_ci_low as double) as rate_ci_low,
        cast(rate_ci_high as double) as rate_ci_high,
        rate_ci_method,
        cast(phi as double) as phi,
        cast(coalesce(months_used, 0) as integer) as months_used,
        cast(threshold as double) as threshold,
        comparator,
        unit,
        is_threshold_met,
        cast(p_cross as double) as p_cross,
        state,
        cast(hours_week_needed as double) as hours_week_needed,
        cast(required_fte as double) as required_fte,
        cast(assigned_fte as double) as assigned_fte,
        cast(available_fte as double) as available_fte,
        cast(gap_fte as double) as gap_fte,
        expected_cross_month,
        {{ hire_by('expected_cross_month', 'comparator') }} as hire_by,
        recommendation,
        is_latest,
        {{ publication_columns() }}
    from rules
)

select * from measured
