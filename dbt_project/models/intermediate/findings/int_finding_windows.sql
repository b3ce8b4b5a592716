{{ config(materialized='table') }}

{#- A new finding is one model of this shape, its name here, and its rows in config/seeds/finding_rules.csv. #}
{%- set families = [
    'late_follow_up', 'never_answered', 'relationship_work', 'rhythm', 'lead_quality', 'senior_outbound',
    'whole_process', 'self_handover', 'adhoc_work', 'stalled_deals'
] %}

-- Each finding over each window of three complete months, told with what is known now.
with

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

findings as (
    {{ union_findings(families) }}
)

select
    findings.rule_id,
    findings.scope_value,
    findings.last_month,
    int_finding_spans.window_start,
    int_finding_spans.window_end,
    int_finding_spans.is_newest,
    cast(findings.k as bigint) as k,
    cast(findings.n as bigint) as n,
    cast(findings.estimate as {{ double() }}) as estimate,
    cast(findings.ci_low as {{ double() }}) as ci_low,
    cast(findings.ci_high as {{ double() }}) as ci_high,
    cast(findings.threshold as {{ double() }}) as threshold,
    cast(findings.figure as {{ double() }}) as figure,
    findings.status,
    findings.is_certain,
    findings.severity_override,
    findings.text_nl,
    findings.text_en,
    findings.found_action_nl,
    findings.found_action_en,
    findings.missing_nl,
    findings.missing_en,
    findings.missing_action_nl,
    findings.missing_action_en,
    findings.rows_query
from findings
inner join int_finding_spans on findings.last_month = int_finding_spans.last_month
