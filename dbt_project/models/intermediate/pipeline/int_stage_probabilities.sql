{{ config(materialized='table') }}

{%- set min_settled_visits = 30 %}

-- How often a deal that had been in a stage was won in the end, as known at the cut and at the same point of each of
-- the 24 months before, so that a forecast of the past uses what was known then.
with

stage_visits as (
    select * from {{ ref('int_deal_stage_visits') }}
    where not was_skipped and not is_closed
),

deals as (
    select * from {{ ref('int_deals') }}
),

cuts as (
    select * from {{ ref('int_forecast_cuts') }}
),

settled as (
    select
        stage_visits.source_crm,
        stage_visits.pipeline_id,
        stage_visits.stage_id,
        deals.status,
        deals.closed_at
    from stage_visits
    inner join deals on stage_visits.deal_id = deals.deal_id
    where deals.closed_at is not null and stage_visits.entered_at <= deals.closed_at
),

counted as (
    select
        cuts.cut_at,
        cuts.is_now,
        settled.source_crm,
        settled.pipeline_id,
        settled.stage_id,
        count(*) as settled_count,
        count(case when settled.status = 'won' then 1 end) as won_count
    from cuts
    inner join settled on cuts.cut_at >= settled.closed_at
    group by cuts.cut_at, cuts.is_now, settled.source_crm, settled.pipeline_id, settled.stage_id
)

select
    *,
    case when settled_count >= {{ min_settled_visits }} then cast(won_count as {{ double() }}) / settled_count end
        as win_probability,
    'own_history' as basis
from counted
