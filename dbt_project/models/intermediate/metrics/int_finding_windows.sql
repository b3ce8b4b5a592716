{{ config(materialized='table') }}

{#- Limits the document does not give; ours, and named in docs/decisions. -#}
{%- set limit_never_answered = 0.05 %}
{%- set limit_active_days = 0.50 %}
{%- set limit_senior_outbound = 0.20 %}
{%- set limit_self_handover = 0.20 %}

-- Each finding over each window of three complete months, so that the newest one can say since when it holds.
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

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

int_rep_role_touches as (
    select * from {{ ref('int_rep_role_touches') }}
),

int_speed_estimates as (
    select * from {{ ref('int_speed_estimates') }}
),

int_role_capacity as (
    select * from {{ ref('int_role_capacity') }}
),

dim_rep as (
    select * from {{ ref('dim_rep') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
),

mart_outbound_month as (
    select * from {{ ref('mart_outbound_month') }}
),

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
),

recorded as (
    select
        coalesce(bool_or(has_qualification), false) as has_qualification,
        coalesce(bool_or(has_touches), false) as has_touches
    from int_source_capabilities
),

windows as (
    select
        ends.month as last_month,
        cast(ends.month - interval 2 month as date) as window_start,
        ends.next_month as window_end,
        members.month
    from int_months as ends
    inner join int_months as members on members.month_no between ends.month_no - 2 and ends.month_no
    where ends.is_complete and ends.month_no >= 3
),

ends as (
    select distinct
        last_month,
        window_start,
        window_end
    from windows
),

-- F1: half of the leads wait longer than the target.
late_follow_up as (
    select
        'F1' as rule_id,
        mart_role_scorecard.role as scope_value,
        ends.last_month,
        int_speed_estimates.answered as k,
        mart_role_scorecard.speed_n as n,
        mart_role_scorecard.speed_median_wm as estimate,
        mart_role_scorecard.speed_ci_low_wm as ci_low,
        mart_role_scorecard.speed_ci_high_wm as ci_high,
        mart_role_scorecard.speed_target_wm as threshold,
        mart_role_scorecard.speed_p90_wm as figure,
        case
            when mart_role_scorecard.speed_status = 'not_measurable' then 'not_measurable'
            when mart_role_scorecard.speed_status = 'insufficient' then 'insufficient_data'
            -- A median that is not reached is later than any target.
            when coalesce(mart_role_scorecard.speed_median_wm > mart_role_scorecard.speed_target_wm, true) then 'found'
            else 'clear'
        end as status,
        coalesce(mart_role_scorecard.speed_ci_low_wm > mart_role_scorecard.speed_target_wm, false) as is_certain
    from ends
    inner join mart_role_scorecard
        on
            mart_role_scorecard.period_type = 'roll3'
            and ends.window_start = mart_role_scorecard.period_start
            and mart_role_scorecard.role in ('inbound', 'closer')
    left join int_speed_estimates
        on
            int_speed_estimates.slice_type = 'all'
            and int_speed_estimates.period_type = 'roll3'
            and mart_role_scorecard.role = int_speed_estimates.role
            and ends.window_start = int_speed_estimates.period_start
),

never_answered_counts as (
    select
        windows.last_month,
        sum(mart_inbound_month.never_answered_k) as k,
        sum(mart_inbound_month.never_answered_n) as n,
        bool_or(mart_inbound_month.never_answered_grade <> 'not_measurable') as is_recorded
    from windows
    inner join mart_inbound_month
        on
            windows.month = mart_inbound_month.month
            and mart_inbound_month.slice_type = 'all'
    group by windows.last_month
),

never_answered as (
    select
        'F2' as rule_id,
        'inbound' as scope_value,
        last_month,
        k,
        n,
        {{ limit_never_answered }} as threshold,
        null as figure,
        is_recorded
    from never_answered_counts
),

rhythm_counts as (
    select
        windows.last_month,
        sum(mart_outbound_month.active_days) as k,
        sum(mart_outbound_month.working_days) as n,
        max(mart_outbound_month.longest_gap_working_days) as figure
    from windows
    inner join mart_outbound_month
        on
            windows.month = mart_outbound_month.month
            and mart_outbound_month.slice_type = 'all'
    group by windows.last_month
),

rhythm as (
    select
        'F4' as rule_id,
        'outbound' as scope_value,
        rhythm_counts.last_month,
        rhythm_counts.k,
        rhythm_counts.n,
        {{ limit_active_days }} as threshold,
        rhythm_counts.figure,
        recorded.has_touches as is_recorded
    from rhythm_counts
    cross join recorded
),

rep_windows as (
    select
        windows.last_month,
        int_rep_role_touches.rep_id,
        sum(int_rep_role_touches.touch_count) as touch_count,
        sum(int_rep_role_touches.inbound_count) as inbound_count,
        sum(int_rep_role_touches.outbound_count) as outbound_count,
        sum(int_rep_role_touches.closer_count) as closer_count
    from windows
    inner join int_rep_role_touches on windows.month = int_rep_role_touches.month
    group by windows.last_month, int_rep_role_touches.rep_id
),

-- F6: the limit holds for each experienced person, so one who only calls is not hidden by colleagues who never do.
senior_reps as (
    select
        rep_windows.last_month,
        rep_windows.outbound_count,
        rep_windows.touch_count,
        rep_windows.touch_count >= {{ var('min_n_rate') }}
        and rep_windows.outbound_count > {{ limit_senior_outbound }} * rep_windows.touch_count as is_over
    from rep_windows
    inner join dim_rep on rep_windows.rep_id = dim_rep.rep_id
    where dim_rep.seniority in ('senior', 'experienced')
),

senior_counts as (
    select
        last_month,
        count(case when is_over then 1 end) as figure,
        -- The numbers of those over the limit when there are any, else of all.
        case
            when bool_or(is_over) then sum(case when is_over then outbound_count else 0 end)
            else sum(outbound_count)
        end as k,
        case
            when bool_or(is_over) then sum(case when is_over then touch_count else 0 end)
            else sum(touch_count)
        end as n
    from senior_reps
    group by last_month
),

known_seniority as (
    select count(seniority) > 0 as is_seniority_known
    from dim_rep
),

seniors as (
    select
        'F6' as rule_id,
        'team' as scope_value,
        ends.last_month,
        coalesce(senior_counts.k, 0) as k,
        coalesce(senior_counts.n, 0) as n,
        {{ limit_senior_outbound }} as threshold,
        coalesce(senior_counts.figure, 0) as figure,
        known_seniority.is_seniority_known,
        recorded.has_touches as is_recorded
    from ends
    left join senior_counts on ends.last_month = senior_counts.last_month
    cross join known_seniority
    cross join recorded
),

-- F7: somebody does all three roles, by the work seen (at least a tenth of the touches in each) or by assignment.
assigned_all as (
    select
        month as last_month,
        rep_id
    from int_role_capacity
    where role in ('inbound', 'outbound', 'closer')
    group by month, rep_id
    having count(distinct role) = 3
),

seen_all as (
    select
        last_month,
        rep_id
    from rep_windows
    where
        touch_count >= {{ var('min_n_rate') }}
        and least(inbound_count, outbound_count, closer_count) >= 0.10 * touch_count
),

whole_process_reps as (
    select
        last_month,
        rep_id
    from assigned_all
    union
    select
        last_month,
        rep_id
    from seen_all
),

whole_process_people as (
    select
        last_month,
        count(*) as person_count
    from whole_process_reps
    group by last_month
),

whole_process_counts as (
    select
        rep_windows.last_month,
        sum(case when whole_process_reps.rep_id is not null then rep_windows.touch_count else 0 end) as k,
        sum(rep_windows.touch_count) as n
    from rep_windows
    left join whole_process_reps
        on
            rep_windows.last_month = whole_process_reps.last_month
            and rep_windows.rep_id = whole_process_reps.rep_id
    group by rep_windows.last_month
),

whole_process as (
    select
        'F7' as rule_id,
        'team' as scope_value,
        ends.last_month,
        coalesce(whole_process_counts.k, 0) as k,
        coalesce(whole_process_counts.n, 0) as n,
        0.0 as threshold,
        coalesce(whole_process_people.person_count, 0) as figure,
        recorded.has_touches as is_recorded
    from ends
    left join whole_process_counts on ends.last_month = whole_process_counts.last_month
    left join whole_process_people on ends.last_month = whole_process_people.last_month
    cross join recorded
),

-- F8. R7 allows one person to be outbound and closer below 20 employees; it allows nobody to close own inbound leads.
self_counts as (
    select
        windows.last_month,
        count(
            case
                when
                    int_handover_outcomes.is_self_handover
                    and not (
                        int_handover_outcomes.motion = 'outbound'
                        and coalesce(int_metric_scope.employee_count < 20, false)
                    )
                    then 1
            end
        ) as k,
        count(*) as n,
        count(
            case
                when
                    int_handover_outcomes.is_self_handover
                    and int_handover_outcomes.motion = 'outbound'
                    and coalesce(int_metric_scope.employee_count < 20, false)
                    then 1
            end
        ) as figure
    from windows
    inner join int_handover_outcomes on windows.month = int_handover_outcomes.qualified_month
    cross join int_metric_scope
    where int_handover_outcomes.is_pair_known
    group by windows.last_month
),

self_handover as (
    select
        'F8' as rule_id,
        'team' as scope_value,
        ends.last_month,
        coalesce(self_counts.k, 0) as k,
        coalesce(self_counts.n, 0) as n,
        {{ limit_self_handover }} as threshold,
        coalesce(self_counts.figure, 0) as figure,
        recorded.has_qualification as is_recorded
    from ends
    left join self_counts on ends.last_month = self_counts.last_month
    cross join recorded
),

shares as (
    select * from never_answered
    union all by name
    select * from rhythm
    union all by name
    select * from seniors
    union all by name
    select * from whole_process
    union all by name
    select * from self_handover
),

share_intervals as (
    select
        *,
        case when is_recorded and n >= {{ var('min_n_rate') }} then cast(k as double) / n end as estimate,
        case
            when is_recorded and n >= {{ var('min_n_rate') }} then {{ wilson_interval('k', 'n', 'low') }}
        end as ci_low,
        case
            when is_recorded and n >= {{ var('min_n_rate') }} then {{ wilson_interval('k', 'n', 'high') }}
        end as ci_high
    from shares
),

share_findings as (
    select
        rule_id,
        scope_value,
        last_month,
        k,
        n,
        estimate,
        ci_low,
        ci_high,
        threshold,
        figure,
        case
            -- Who is assigned all three roles does the whole process, whether or not the work is logged.
            when rule_id = 'F7' and figure > 0 then 'found'
            when not is_recorded then 'not_measurable'
            when rule_id = 'F6' and not is_seniority_known then 'insufficient_data'
            when rule_id = 'F6' and n = 0 then 'clear'
            when n < {{ var('min_n_rate') }} then 'insufficient_data'
            when rule_id = 'F4' and estimate < threshold then 'found'
            when rule_id = 'F6' and figure > 0 then 'found'
            when rule_id in ('F2', 'F8') and estimate > threshold then 'found'
            else 'clear'
        end as status,
        case
            when rule_id = 'F4' then coalesce(ci_high < threshold, false)
            when rule_id = 'F7' then figure > 0
            else coalesce(ci_low > threshold, false)
        end as is_certain
    from share_intervals
),

findings as (
    select * from late_follow_up
    union all by name
    select * from share_findings
),

placed as (
    select
        findings.rule_id,
        findings.scope_value,
        findings.last_month,
        ends.window_start,
        ends.window_end,
        cast(findings.k as bigint) as k,
        cast(findings.n as bigint) as n,
        cast(findings.estimate as double) as estimate,
        cast(findings.ci_low as double) as ci_low,
        cast(findings.ci_high as double) as ci_high,
        cast(findings.threshold as double) as threshold,
        cast(findings.figure as double) as figure,
        findings.status,
        findings.is_certain
    from findings
    inner join ends on findings.last_month = ends.last_month
)

select * from placed
