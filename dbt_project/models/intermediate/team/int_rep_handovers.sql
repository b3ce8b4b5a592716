{{ config(materialized='table') }}

-- Hand-overs by who qualified the lead, and how many of them that person kept.
with

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
    where is_pair_known
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
)

select
    fct_handover.qualifier_rep_id as rep_id,
    int_handover_outcomes.qualified_month as month,
    count(*) as pair_count,
    count(case when int_handover_outcomes.is_self_handover then 1 end) as self_count
from int_handover_outcomes
inner join fct_handover on int_handover_outcomes.cycle_id = fct_handover.cycle_id
group by fct_handover.qualifier_rep_id, int_handover_outcomes.qualified_month
