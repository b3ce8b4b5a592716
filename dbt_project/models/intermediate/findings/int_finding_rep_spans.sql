{{ config(materialized='table') }}

-- Findings about a person's work look at each person apart, so that one who only calls is not hidden by colleagues who
-- never do. What each did over a window.
with

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_rep_role_touches as (
    select * from {{ ref('int_rep_role_touches') }}
),

int_rep_switches as (
    select * from {{ ref('int_rep_switches') }}
),

dim_rep as (
    select * from {{ ref('dim_rep') }}
),

worked as (
    select
        int_finding_spans.last_month,
        int_rep_role_touches.rep_id,
        sum(int_rep_role_touches.touch_count) as touch_count,
        sum(int_rep_role_touches.inbound_count) as inbound_count,
        sum(int_rep_role_touches.outbound_count) as outbound_count,
        sum(int_rep_role_touches.closer_count) as closer_count,
        sum(int_rep_role_touches.relationship_count) as relationship_count,
        sum(coalesce(int_rep_switches.pair_count, 0)) as pair_count,
        sum(coalesce(int_rep_switches.switch_count, 0)) as switch_count
    from int_finding_spans
    inner join int_rep_role_touches
        on
            int_finding_spans.window_start <= int_rep_role_touches.month
            and int_finding_spans.window_end > int_rep_role_touches.month
    left join int_rep_switches
        on
            int_rep_role_touches.rep_id = int_rep_switches.rep_id
            and int_rep_role_touches.month = int_rep_switches.month
    group by int_finding_spans.last_month, int_rep_role_touches.rep_id
)

select
    worked.*,
    coalesce(dim_rep.seniority in ('senior', 'experienced'), false) as is_senior
from worked
left join dim_rep on worked.rep_id = dim_rep.rep_id
