{{ config(materialized='table') }}

{%- set horizon = 6 %}
{%- set min_seen = 30 %}

-- Chance of each open deal to be won in each month, by scenario:
-- close_date: in the month the CRM expects it to close, with the chance its stage has by own history;
-- crm: in that same month, with the chance the CRM's pipeline gives the stage;
-- pace: in the month deals of that stage were won in before, whatever date the CRM says.
with

forecast_deals as (
    select * from {{ ref('int_forecast_deals') }}
),

horizons as (
    select unnest(range(0, {{ horizon }})) as months_ahead
),

-- Of the deals that stood in a stage at an earlier cut, how many were won in that month, the next, and so on.
seen as (
    select
        forecast_deals.months_ago,
        forecast_deals.source_crm,
        coalesce(forecast_deals.pipeline_id, '') as pipeline_key,
        forecast_deals.stage_id,
        horizons.months_ahead,
        count(*) as seen_count,
        count(case when forecast_deals.won_in_months = horizons.months_ahead then 1 end) as won_count
    from forecast_deals
    cross join horizons
    where forecast_deals.stage_id is not null
    group by
        forecast_deals.months_ago,
        forecast_deals.source_crm,
        coalesce(forecast_deals.pipeline_id, ''),
        forecast_deals.stage_id,
        horizons.months_ahead
),

cuts as (
    select distinct months_ago
    from forecast_deals
),

-- A cut knows the months that were over by then, no later ones.
paces as (
    select
        cuts.months_ago,
        seen.source_crm,
        seen.pipeline_key,
        seen.stage_id,
        seen.months_ahead,
        sum(seen.seen_count) as seen_count,
        sum(seen.won_count) as won_count
    from cuts
    inner join seen on cuts.months_ago < seen.months_ago - seen.months_ahead
    group by cuts.months_ago, seen.source_crm, seen.pipeline_key, seen.stage_id, seen.months_ahead
),

pooled as (
    select
        months_ago,
        source_crm,
        pipeline_key,
        months_ahead,
        sum(seen_count) as seen_count,
        sum(won_count) as won_count
    from paces
    group by months_ago, source_crm, pipeline_key, months_ahead
),

-- A stage with too few deals borrows the pace of its whole pipeline.
chosen_paces as (
    select
        paces.months_ago,
        paces.source_crm,
        paces.pipeline_key,
        paces.stage_id,
        paces.months_ahead,
        case when paces.seen_count >= {{ min_seen }} then 'own_history' else 'pipeline_history' end as basis,
        case when paces.seen_count >= {{ min_seen }} then paces.won_count else pooled.won_count end as won_count,
        case when paces.seen_count >= {{ min_seen }} then paces.seen_count else pooled.seen_count end as seen_count
    from paces
    inner join pooled
        on
            paces.months_ago = pooled.months_ago
            and paces.source_crm = pooled.source_crm
            and paces.pipeline_key = pooled.pipeline_key
            and paces.months_ahead = pooled.months_ahead
    where pooled.seen_count >= {{ min_seen }}
),

by_close_date as (
    select
        *,
        'close_date' as scenario,
        due_in_months as months_ahead,
        own_probability as probability,
        own_basis as basis
    from forecast_deals
),

without_counts as (
    select * exclude (won_count, settled_count)
    from forecast_deals
),

by_crm as (
    select
        *,
        'crm' as scenario,
        due_in_months as months_ahead,
        crm_probability as probability,
        case when crm_probability is not null then 'crm' end as basis
    from without_counts
),

by_pace as (
    select
        without_counts.*,
        'pace' as scenario,
        horizons.months_ahead,
        1.0 * chosen_paces.won_count / chosen_paces.seen_count as probability,
        chosen_paces.basis,
        chosen_paces.won_count,
        chosen_paces.seen_count as settled_count
    from without_counts
    cross join horizons
    left join chosen_paces
        on
            without_counts.months_ago = chosen_paces.months_ago
            and without_counts.source_crm = chosen_paces.source_crm
            and coalesce(without_counts.pipeline_id, '') = chosen_paces.pipeline_key
            and without_counts.stage_id = chosen_paces.stage_id
            and horizons.months_ahead = chosen_paces.months_ahead
),

lines as (
    select * from by_close_date
    union all by name
    select * from by_crm
    union all by name
    select * from by_pace
)

select
    months_ago,
    cut_month,
    is_now,
    scenario,
    months_ahead,
    deal_id,
    coalesce(stage_id, '') as stage_id,
    coalesce(pipeline_id, '') as pipeline_id,
    source_crm,
    basis,
    cast(probability as {{ double() }}) as probability,
    won_count,
    settled_count,
    amount_reporting,
    is_blocked,
    won_in_months = months_ahead as is_won_then,
    won_amount_reporting
from lines
where months_ahead is null or months_ahead < {{ horizon }}
