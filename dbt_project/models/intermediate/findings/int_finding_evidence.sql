{{ config(materialized='table') }}

-- Each finding of the catalogue in its newest window, with what became of it. Without a complete window there is no
-- verdict, but a row.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_windows as (
    select * from {{ ref('int_finding_windows') }}
    where is_newest
),

int_finding_states as (
    select * from {{ ref('int_finding_states') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
)

select
    stg_config__finding_rules.rule_id || ':' || stg_config__finding_rules.scope_value as finding_id,
    stg_config__finding_rules.rule_id,
    stg_config__finding_rules.rule_name,
    stg_config__finding_rules.scope_type,
    stg_config__finding_rules.scope_value,
    stg_config__finding_rules.unit,
    stg_config__finding_rules.counted_over,
    stg_config__finding_rules.rows_are,
    stg_config__finding_rules.figure_means,
    stg_config__finding_rules.source_sentence,
    stg_config__finding_rules.sort_no,
    coalesce(int_finding_windows.status, 'insufficient_data') as status,
    case
        when coalesce(int_finding_windows.status, 'insufficient_data') <> 'found' then 'low'
        when int_finding_windows.severity_override is not null then int_finding_windows.severity_override
        when int_finding_windows.is_certain then stg_config__finding_rules.severity_certain
        else stg_config__finding_rules.severity_uncertain
    end as severity,
    int_finding_windows.k,
    int_finding_windows.n,
    int_finding_windows.estimate,
    int_finding_windows.ci_low,
    int_finding_windows.ci_high,
    coalesce(int_finding_windows.threshold, stg_config__finding_rules.threshold) as threshold,
    int_finding_windows.figure,
    int_finding_windows.text_nl,
    int_finding_windows.text_en,
    int_finding_windows.found_action_nl,
    int_finding_windows.found_action_en,
    int_finding_windows.missing_nl,
    int_finding_windows.missing_en,
    int_finding_windows.missing_action_nl,
    int_finding_windows.missing_action_en,
    int_finding_windows.rows_query,
    int_finding_states.state,
    int_finding_states.suppressed_reason,
    int_finding_states.suppressed_by,
    int_finding_states.suppressed_until,
    int_finding_states.opened_on,
    int_finding_states.solved_on,
    cast(int_metric_scope.latest_complete_month - interval 2 month as date) as window_start,
    cast(int_metric_scope.latest_complete_month + interval 1 month as date) as window_end,
    coalesce(
        int_finding_states.since, cast(int_metric_scope.latest_complete_month - interval 2 month as date)
    ) as since
from stg_config__finding_rules
cross join int_metric_scope
left join int_finding_windows
    on
        stg_config__finding_rules.rule_id = int_finding_windows.rule_id
        and stg_config__finding_rules.scope_value = int_finding_windows.scope_value
left join int_finding_states
    on
        stg_config__finding_rules.rule_id = int_finding_states.rule_id
        and stg_config__finding_rules.scope_value = int_finding_states.scope_value
