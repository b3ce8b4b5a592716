{{ config(materialized='table') }}

with

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

-- How long a deal of the pipeline takes at most, for four in five of those that ended.
pipeline_pace as (
    select
        source_crm,
        pipeline_id,
        quantile_cont(date_diff('second', created_at, coalesce(won_at, lost_at)) / 86400.0, 0.8) as p80_days
    from fct_deal
    where status in ('won', 'lost') and created_at is not null and coalesce(won_at, lost_at) >= created_at
    group by source_crm, pipeline_id
    having count(*) >= 20
),

outcomes as (
    select
        fct_deal.deal_id,
        fct_deal.source_crm,
        coalesce(fct_lead_cycle.source, 'unknown') as source,
        coalesce(
            case
                when fct_deal.status = 'open' then fct_deal.owner_current_rep_id
                else fct_deal.owner_at_close_rep_id
            end,
            'unassigned'
        ) as rep_id,
        fct_deal.status,
        cast(date_trunc('month', timezone('{{ var("timezone") }}', fct_deal.created_at)) as date) as created_month,
        fct_deal.closed_month,
        fct_deal.amount_original,
        fct_deal.amount_reporting,
        date_diff('second', fct_deal.created_at, coalesce(
            case fct_deal.status when 'won' then fct_deal.won_at when 'lost' then fct_deal.lost_at end,
            {{ as_of() }}
        )) / 86400.0 as cycle_days,
        coalesce(fct_deal.is_eligible_win_rate, false) as is_eligible,
        fct_deal.amount_original is not null and fct_deal.amount_reporting is null as is_rate_missing,
        fct_deal.status = 'open'
        and date_diff('second', coalesce(fct_deal.stage_entered_at, fct_deal.created_at), {{ as_of() }}) / 86400.0
        > coalesce(pipeline_pace.p80_days, 90.0) as is_stalled,
        coalesce(int_source_capabilities.has_losses, false) as has_losses,
        coalesce(int_source_capabilities.has_deal_dates, false) as has_deal_dates
    from fct_deal
    left join fct_lead_cycle on fct_deal.cycle_id = fct_lead_cycle.cycle_id
    left join int_source_capabilities on fct_deal.source_crm = int_source_capabilities.source_crm
    left join pipeline_pace
        on
            fct_deal.source_crm = pipeline_pace.source_crm
            and fct_deal.pipeline_id is not distinct from pipeline_pace.pipeline_id
)

select * from outcomes
