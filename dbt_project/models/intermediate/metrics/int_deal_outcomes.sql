{{ config(materialized='table') }}

with

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

fct_touch as (
    select * from {{ ref('fct_touch') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

-- How long four in five stay in a stage, deals still there counted; too few stays say nothing.
stage_pace as (
    select * from {{ ref('int_stage_times') }}
    where period_type = 'all' and n >= greatest(20, {{ var('min_n_rate') }})
),

-- A source that only lists what was done knows no next step: plans leave traces, ahead or never carried out.
planning_sources as (
    select distinct source_crm
    from fct_touch
    where result = 'none' and (kind in ('meeting', 'task') or at_utc > {{ as_of() }})
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
        > coalesce(stage_pace.p80_days, {{ var('stalled_days') }}) as is_stalled,
        fct_deal.status = 'open' and fct_deal.next_step_at is null and planning_sources.source_crm is not null
            as is_without_next_step,
        coalesce(fct_deal.status = 'open' and fct_deal.expected_close_date < {{ local_date(as_of()) }}, false)
            as is_close_date_past,
        fct_deal.status = 'open' and fct_deal.push_count > 0 as is_pushed,
        planning_sources.source_crm is not null as has_next_steps,
        coalesce(int_source_capabilities.has_losses, false) as has_losses,
        coalesce(int_source_capabilities.has_deal_dates, false) as has_deal_dates
    from fct_deal
    left join fct_lead_cycle on fct_deal.cycle_id = fct_lead_cycle.cycle_id
    left join int_source_capabilities on fct_deal.source_crm = int_source_capabilities.source_crm
    left join planning_sources on fct_deal.source_crm = planning_sources.source_crm
    left join stage_pace
        on
            fct_deal.source_crm = stage_pace.source_crm
            and fct_deal.pipeline_id is not distinct from stage_pace.pipeline_id
            and fct_deal.stage_id = stage_pace.stage_id
)

select * from outcomes
