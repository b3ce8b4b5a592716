{%- set targets = var('speed_target_working_minutes') %}

with

int_months as (
    select * from {{ ref('int_months') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_speed_estimates as (
    select * from {{ ref('int_speed_estimates') }}
),

int_reply_follow_ups as (
    select * from {{ ref('int_reply_follow_ups') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
),

mart_outbound_month as (
    select * from {{ ref('mart_outbound_month') }}
),

mart_closer_month as (
    select * from {{ ref('mart_closer_month') }}
),

mart_staffing as (
    select * from {{ ref('mart_staffing') }}
),

recorded as (
    select
        coalesce(bool_or(has_qualification), false) as has_qualification,
        coalesce(bool_or(has_won_deals), false) as has_won_deals,
        coalesce(bool_or(has_touches), false) as has_touches,
        coalesce(bool_or(has_speed), false) as has_speed
    from int_source_capabilities
),

replies as (
    select count(*) > 0 as has_replies
    from int_reply_follow_ups
),

role_months as (
    select
        'inbound' as role,
        month,
        cast(inbound_leads as double) as volume,
        inbound_leads as cohort_weight,
        lead_to_qualified_k as k,
        lead_to_qualified_n as n,
        lead_to_qualified_maturity as maturity,
        lead_to_qualified_grade <> 'not_measurable' as is_result_recorded,
        lead_speed_status <> 'not_measurable' as is_speed_recorded,
        unlogged_k,
        unlogged_n
    from mart_inbound_month
    where slice_type = 'all'
    union all by name
    select
        'outbound' as role,
        mart_outbound_month.month,
        case when recorded.has_touches then cast(mart_outbound_month.new_prospects as double) end as volume,
        mart_outbound_month.contacted_n as cohort_weight,
        mart_outbound_month.prospect_to_qualified_k as k,
        mart_outbound_month.prospect_to_qualified_n as n,
        mart_outbound_month.prospect_to_qualified_maturity as maturity,
        mart_outbound_month.prospect_to_qualified_grade <> 'not_measurable' as is_result_recorded,
        recorded.has_speed and replies.has_replies as is_speed_recorded,
        0 as unlogged_k,
        0 as unlogged_n
    from mart_outbound_month
    cross join recorded
    cross join replies
    where mart_outbound_month.slice_type = 'all'
    union all by name
    select
        'closer' as role,
        mart_closer_month.month,
        case when recorded.has_qualification then cast(mart_closer_month.qualified_received as double) end as volume,
        mart_closer_month.qualified_received as cohort_weight,
        mart_closer_month.lead_to_customer_k as k,
        mart_closer_month.lead_to_customer_n as n,
        mart_closer_month.lead_to_customer_maturity as maturity,
        mart_closer_month.lead_to_customer_grade <> 'not_measurable' as is_result_recorded,
        mart_closer_month.handover_status <> 'not_measurable' as is_speed_recorded,
        0 as unlogged_k,
        0 as unlogged_n
    from mart_closer_month
    cross join recorded
    where mart_closer_month.slice_type = 'all'
),

months as (
    select
        int_months.month as period_start,
        int_months.month,
        'month' as period_type,
        int_months.next_month as period_end,
        int_months.month as last_month,
        int_months.is_complete
    from int_months
),

-- A roll is pooled from the counts of its three months. The mean of three monthly rates would give a month of five
-- leads the weight of one of fifty.
rolls as (
    select
        starts.month as period_start,
        members.month,
        'roll3' as period_type,
        ends.next_month as period_end,
        ends.month as last_month,
        ends.is_complete
    from int_months as starts
    inner join int_months as ends on starts.month_no + 2 = ends.month_no
    inner join int_months as members on members.month_no between starts.month_no and ends.month_no
),

periods as (
    select * from months
    union all by name
    select * from rolls
),

pooled as (
    select
        role_months.role,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        periods.last_month,
        periods.is_complete,
        sum(role_months.volume) as volume,
        sum(role_months.k) as k,
        sum(role_months.n) as n,
        sum(role_months.maturity * role_months.cohort_weight) / nullif(sum(role_months.cohort_weight), 0) as maturity,
        bool_or(role_months.is_result_recorded) as is_result_recorded,
        bool_or(role_months.is_speed_recorded) as is_speed_recorded,
        sum(role_months.unlogged_k) as unlogged_k,
        sum(role_months.unlogged_n) as unlogged_n
    from periods
    inner join role_months on periods.month = role_months.month
    group by
        role_months.role,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        periods.last_month,
        periods.is_complete
),

timed as (
    select
        pooled.*,
        coalesce(int_speed_estimates.n, 0) as speed_n,
        int_speed_estimates.median_wm,
        int_speed_estimates.median_ci_low_wm,
        int_speed_estimates.median_ci_high_wm,
        int_speed_estimates.p90_wm,
        {{ rate_grade('pooled.k', 'pooled.n', 'pooled.is_result_recorded') }} as grade,
        {{ speed_status(
            'int_speed_estimates.n', 'pooled.is_speed_recorded', 'pooled.unlogged_k', 'pooled.unlogged_n'
        ) }} as speed_status
    from pooled
    left join int_speed_estimates
        on
            int_speed_estimates.slice_type = 'all'
            and pooled.role = int_speed_estimates.role
            and pooled.period_type = int_speed_estimates.period_type
            and pooled.period_start = int_speed_estimates.period_start
),

-- The period before shares no month with this one, or the two would not be independent.
compared as (
    select
        timed.*,
        earlier.k as earlier_k,
        earlier.n as earlier_n,
        coalesce(
            timed.is_complete and earlier.is_complete
            and timed.grade in ('ok', 'indicative') and earlier.grade in ('ok', 'indicative'),
            false
        ) as is_comparable
    from timed
    left join timed as earlier
        on
            timed.role = earlier.role
            and timed.period_type = earlier.period_type
            and timed.period_start
            = earlier.period_start + to_months(case when earlier.period_type = 'roll3' then 3 else 1 end)
),

measured as (
    select
        compared.role,
        compared.period_type,
        compared.period_start,
        compared.period_end,
        compared.is_complete,
        case compared.role
            when 'inbound' then 'inbound_leads'
            when 'outbound' then 'new_prospects'
            else 'qualified_received'
        end as volume_metric,
        cast(compared.volume as double) as volume,
        case compared.role
            when 'inbound' then 'lead_to_qualified_conversion'
            when 'outbound' then 'prospect_to_qualified_conversion'
            else 'lead_to_customer_conversion'
        end as result_metric,
        {{ rate_columns('result', 'compared.k', 'compared.n', 'compared.maturity', 'compared.is_result_recorded') }},
        case
            when compared.grade in ('ok', 'indicative') then 'measured'
            else compared.grade
        end as result_status,
        case
            when compared.grade in ('ok', 'indicative') then null
            when compared.grade = 'not_measurable' and compared.role = 'outbound' and not recorded.has_touches
                then 'activities_not_logged'
            when compared.grade = 'not_measurable' and not recorded.has_qualification then 'qualification_not_recorded'
            when compared.grade = 'not_measurable' then 'won_deals_not_recorded'
            when coalesce(compared.volume, 0) = 0 then 'no_volume'
            when coalesce(compared.maturity, 0) < 1 then 'too_young'
            else 'too_few'
        end as result_status_reason,
        cast(
            case when compared.is_comparable then cast(compared.earlier_k as double) / compared.earlier_n end as double
        ) as result_previous_estimate,
        cast(
            case
                when compared.is_comparable
                    then {{ beta_greater('compared.k', 'compared.n', 'compared.earlier_k', 'compared.earlier_n') }}
            end as double
        ) as result_p_better,
        case compared.role
            when 'inbound' then 'lead_response_time'
            when 'outbound' then 'reply_response_time'
            else 'handover_speed'
        end as speed_metric,
        cast(compared.speed_n as bigint) as speed_n,
        cast(case when compared.speed_status = 'measured' then compared.median_wm end as double) as speed_median_wm,
        cast(case when compared.speed_status = 'measured' then compared.median_ci_low_wm end as double)
            as speed_ci_low_wm,
        cast(case when compared.speed_status = 'measured' then compared.median_ci_high_wm end as double)
            as speed_ci_high_wm,
        cast(case when compared.speed_status = 'measured' then compared.p90_wm end as double) as speed_p90_wm,
        cast(
            case compared.role
                when 'inbound' then {{ targets['inbound'] }}
                when 'outbound' then {{ targets['outbound'] }}
                else {{ targets['closer'] }}
            end as double
        ) as speed_target_wm,
        compared.speed_status,
        case
            when compared.speed_status = 'measured' then null
            when compared.speed_status = 'insufficient' then 'too_few'
            when not recorded.has_touches then 'activities_not_logged'
            when
                not recorded.has_speed
                or (
                    compared.unlogged_n >= {{ var('min_n_rate') }}
                    and compared.unlogged_k > 0.30 * compared.unlogged_n
                )
                then 'conversions_not_logged'
            when compared.role = 'outbound' then 'replies_not_recorded'
            when compared.role = 'closer' then 'qualification_not_recorded'
            else 'entry_times_not_recorded'
        end as speed_status_reason,
        case compared.role when 'inbound' then 'R2' when 'outbound' then 'R4' else 'R6' end as load_rule_id,
        mart_staffing.volume as load_volume,
        mart_staffing.threshold as load_threshold,
        mart_staffing.required_fte as load_required_fte,
        mart_staffing.available_fte as load_available_fte,
        mart_staffing.state as load_state,
        {{ publication_columns() }}
    from compared
    cross join recorded
    left join mart_staffing
        on
            compared.last_month = mart_staffing.month
            and mart_staffing.rule_id
            = case compared.role when 'inbound' then 'R2' when 'outbound' then 'R4' else 'R6' end
)

select * from measured
