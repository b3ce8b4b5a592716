{{ config(materialized='table') }}

-- Deals as they stood open at each of the cuts, with their chance as known then and what became of them since.
with

cuts as (
    select * from {{ ref('int_forecast_cuts') }}
),

states as (
    select * from {{ ref('int_deal_states') }}
    where status = 'open'
),

probabilities as (
    select * from {{ ref('int_stage_probabilities') }}
),

stages as (
    select * from {{ ref('int_crm__deal_stages') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

closed_amounts as (
    select * from {{ ref('int_deal_amounts') }}
),

int_exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

standing as (
    select
        cuts.months_ago,
        cuts.month as cut_month,
        cuts.cut_at,
        cuts.is_now,
        {{ local_date('cuts.cut_at') }} as cut_date,
        states.*
    from cuts
    inner join states
        on
            cuts.cut_at >= states.state_from
            and (states.state_to is null or cuts.cut_at < states.state_to)
),

priced as (
    select
        standing.*,
        int_exchange_rates.rate as fx_rate
    from standing
    asof left join int_exchange_rates
        on
            standing.currency_code = int_exchange_rates.currency_code
            and standing.cut_date >= int_exchange_rates.rate_date
)

select
    priced.months_ago,
    priced.cut_month,
    priced.cut_at,
    priced.is_now,
    priced.deal_id,
    priced.source_crm,
    priced.pipeline_id,
    priced.stage_id,
    priced.amount is not null and priced.fx_rate is null as is_blocked,
    cast(priced.amount * priced.fx_rate as decimal(18, 2)) as amount_reporting,
    coalesce(probabilities.win_probability, stages.win_probability) as own_probability,
    case
        when probabilities.win_probability is not null then 'own_history'
        when stages.win_probability is not null then 'crm'
    end as own_basis,
    case when probabilities.win_probability is not null then probabilities.won_count end as won_count,
    case when probabilities.win_probability is not null then probabilities.settled_count end as settled_count,
    stages.win_probability as crm_probability,
    -- What should have been closed by now is expected now; without a date it is expected in no month.
    case
        when priced.expected_close_at is not null
            then
                greatest(
                    date_diff('month', priced.cut_month, cast({{ local_date('priced.expected_close_at') }} as date)), 0
                )
    end as due_in_months,
    case
        when deals.won_at > priced.cut_at
            then date_diff('month', priced.cut_month, cast({{ local_date('deals.won_at') }} as date))
    end as won_in_months,
    case when deals.won_at > priced.cut_at then closed_amounts.amount_reporting end as won_amount_reporting
from priced
inner join deals on priced.deal_id = deals.deal_id
inner join closed_amounts on priced.deal_id = closed_amounts.deal_id
left join stages
    on
        priced.source_crm = stages.source_crm
        and priced.pipeline_id is not distinct from stages.pipeline_id
        and priced.stage_id = stages.stage_id
left join probabilities
    on
        priced.cut_at = probabilities.cut_at
        and priced.source_crm = probabilities.source_crm
        and priced.pipeline_id is not distinct from probabilities.pipeline_id
        and priced.stage_id = probabilities.stage_id
