{{ config(materialized='table') }}

{%- set targets = var('speed_target_working_minutes') %}

with

int_finding_windows as (
    select * from {{ ref('int_finding_windows') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

rules as (
    select
        unnest(['F1', 'F1', 'F2', 'F4', 'F6', 'F7', 'F8']) as rule_id,
        unnest(['inbound', 'closer', 'inbound', 'outbound', 'team', 'team', 'team']) as scope_value,
        unnest(['role', 'role', 'role', 'role', 'team', 'team', 'team']) as scope_type,
        unnest([
            'late_follow_up', 'late_follow_up', 'never_answered', 'no_acquisition_rhythm', 'seniors_on_cold_outbound',
            'one_person_whole_process', 'self_handover'
        ]) as rule_name
),

-- A run is a stretch of windows with the same status; the newest run says since when.
changes as (
    select
        *,
        coalesce(status <> lag(status) over (partition by rule_id, scope_value order by last_month), true) as is_change
    from int_finding_windows
),

runs as (
    select
        *,
        max(case when is_change then last_month end) over (
            partition by rule_id, scope_value order by last_month rows between unbounded preceding and current row
        ) as run_last_month
    from changes
),

newest as (
    select
        rules.rule_id,
        rules.rule_name,
        rules.scope_type,
        rules.scope_value,
        runs.k,
        runs.n,
        runs.estimate,
        runs.ci_low,
        runs.ci_high,
        runs.threshold,
        runs.figure,
        coalesce(runs.status, 'insufficient_data') as status,
        coalesce(runs.is_certain, false) as is_certain,
        coalesce(runs.is_change, true) as is_change,
        cast(runs.run_last_month - interval 2 month as date) as since,
        cast(int_metric_scope.latest_complete_month - interval 2 month as date) as window_start,
        cast(int_metric_scope.latest_complete_month + interval 1 month as date) as window_end,
        int_metric_scope.is_startup,
        coalesce(int_metric_scope.employee_count < 20, false) as is_closer_outbound_allowed
    from rules
    cross join int_metric_scope
    left join runs
        on
            rules.rule_id = runs.rule_id
            and rules.scope_value = runs.scope_value
            and int_metric_scope.latest_complete_month = runs.last_month
),

-- Queries a reader can run on the published file: the rows behind the number, the worst first.
queried as (
    select
        *,
        format('date ''{}''', window_start) as from_date,
        format('date ''{}''', window_end) as until_date,
        ' from marts.fct_touch inner join marts.fct_lead_cycle using (cycle_id) where is_human_attempt'
        || ' and role_at_event <> ''relationship'' and motion_first = ''outbound'' and deal_id is null'
        || ' and (qualified_at is null or at_utc <= qualified_at)' as cold_touches
    from newest
),

evidenced as (
    select
        *,
        case
            when rule_id = 'F1' and scope_value = 'inbound'
                then
                    'select cycle_id, source, owner_at_entry, entered_at, first_attempt_at, speed_time_wm'
                    || ' from marts.fct_lead_cycle where motion_first = ''inbound'' and is_speed_eligible'
                    || ' and entered_month >= ' || from_date || ' and entered_month < ' || until_date
                    || ' and speed_time_wm > {{ targets['inbound'] }} order by speed_time_wm desc, cycle_id'
            when rule_id = 'F1'
                then
                    'select cycle_id, source, closer_rep_id, qualified_at, first_closer_touch_at, speed_time_wm'
                    || ' from marts.fct_handover where qualified_month >= ' || from_date
                    || ' and qualified_month < ' || until_date
                    || ' and speed_time_wm > {{ targets['closer'] }} order by speed_time_wm desc, cycle_id'
            when rule_id = 'F2'
                then
                    'select cycle_id, source, owner_at_entry, owner_current, entered_at, outcome, age_working_days'
                    || ' from marts.fct_lead_cycle where motion_first = ''inbound'' and excluded_reason is null'
                    || ' and not (is_bulk_import and entered_precision = ''instant'') and not is_unlogged'
                    || ' and first_attempt_at is null'
                    || ' and age_working_days >= {{ var('never_answered_working_days') }}'
                    || ' and entered_month >= ' || from_date || ' and entered_month < ' || until_date
                    || ' and source_crm in (select source_crm from marts.fct_touch where is_human_attempt)'
                    || ' order by entered_at, cycle_id'
            when rule_id = 'F4'
                then
                    'select date_day, count(touch_id) as outbound_touches from marts.dim_date left join'
                    || ' (select touch_id, at_local_date' || cold_touches || ' and excluded_reason is '
                    || 'null) as touches'
                    || ' on at_local_date = date_day where is_working_day and date_day >= ' || from_date
                    || ' and date_day < ' || until_date
                    || ' group by date_day having count(touch_id) < {{ var('min_new_touches') }} order by date_day'
            when rule_id = 'F6'
                then
                    'select touch_id, rep_id, kind, at_utc' || cold_touches
                    || ' and rep_id in (select rep_id from marts.dim_rep where seniority in (''senior'', '
                    || '''experienced''))'
                    || ' and at_local_date >= ' || from_date || ' and at_local_date < ' || until_date
                    || ' order by rep_id, at_utc, touch_id'
            when rule_id = 'F7'
                then
                    'select rep_id, count(*) as touches,'
                    || ' count(case when coalesce(at_utc <= qualified_at, true) and motion_first = ''inbound'' '
                    || 'then 1 end)'
                    || ' as inbound_touches,'
                    || ' count(case when coalesce(at_utc <= qualified_at, true) and motion_first = ''outbound'' '
                    || 'then 1 end)'
                    || ' as outbound_touches, count(case when at_utc > qualified_at then 1 end) as closer_touches'
                    || ' from marts.fct_touch left join marts.fct_lead_cycle using (cycle_id)'
                    || ' where is_human_attempt and rep_id is not null and role_at_event <> ''relationship'''
                    || ' and at_local_date >= ' || from_date || ' and at_local_date < ' || until_date
                    || ' group by rep_id order by rep_id'
            else
                'select cycle_id, motion_first, source, qualifier_rep_id, closer_rep_id, qualified_at, customer_at'
                || ' from marts.fct_handover where is_self_handover and qualified_month >= ' || from_date
                || ' and qualified_month < ' || until_date
                || case when is_closer_outbound_allowed then ' and motion_first <> ''outbound''' else '' end
                || ' and cycle_id not in (select cycle_id from marts.fct_lead_cycle where excluded_reason '
                || 'is not null)'
                || ' order by qualified_at, cycle_id'
        end as rows_query,
        format('{} t/m {}', window_start, window_end - 1) as period_nl,
        format('{} to {}', window_start, window_end - 1) as period_en
    from queried
)

select * from evidenced
