{{ config(materialized='table') }}

-- Postings: what the CRM counts of a closed deal, and what each cause takes off or puts elsewhere.
with

fct_deal as (
    select * from {{ ref('fct_deal') }}
    where closed_month is not null and status in ('won', 'lost')
),

int_deal_outcomes as (
    select * from {{ ref('int_deal_outcomes') }}
),

int_exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
    where rate_date <= {{ local_date(as_of()) }}
),

-- The one rate a CRM keeps per currency: that of today.
rates_now as (
    select * from int_exchange_rates
    qualify row_number() over (partition by currency_code order by rate_date desc) = 1
),

deals as (
    select
        fct_deal.deal_id,
        fct_deal.closed_month as month,
        fct_deal.status = 'won' as is_won,
        coalesce(fct_deal.owner_current_rep_id, 'unassigned') as owner_now,
        int_deal_outcomes.rep_id as owner_then,
        int_deal_outcomes.has_losses,
        int_deal_outcomes.is_eligible,
        case
            when fct_deal.ineligible_reason = 'not_new_business' then 'renewals'
            when fct_deal.ineligible_reason in ('amount_not_positive', 'duplicate_merged_or_test', 'not_accepted')
                then fct_deal.ineligible_reason
            else 'other_rules'
        end as reason,
        fct_deal.amount_reporting,
        -- No currency or no rate: taken as the CRM's own currency.
        cast(
            fct_deal.amount_original * coalesce(rates_now.rate, cast(1 as {{ double() }})) as decimal(18, 2)
        ) as amount_now
    from fct_deal
    inner join int_deal_outcomes on fct_deal.deal_id = int_deal_outcomes.deal_id
    left join rates_now on fct_deal.currency_code = rates_now.currency_code
),

moves as (
    -- Won over closed.
    select
        'win_rate' as metric_id,
        month,
        'crm' as cause,
        owner_now as rep_id,
        cast(is_won as integer) as k,
        1 as n,
        cast(null as decimal(18, 2)) as amount
    from deals
    union all by name
    select
        'win_rate' as metric_id,
        month,
        'owner' as cause,
        unnest([owner_now, owner_then]) as rep_id,
        unnest([-1, 1]) * cast(is_won as integer) as k,
        unnest([-1, 1]) as n
    from deals
    where owner_now <> owner_then
    union all by name
    select
        'win_rate' as metric_id,
        month,
        case when is_eligible then 'unrecorded' else reason end as cause,
        owner_then as rep_id,
        -cast(is_won as integer) as k,
        -1 as n
    from deals
    where not (is_eligible and has_losses)
    -- Money won.
    union all by name
    select
        'won_amount' as metric_id,
        month,
        'crm' as cause,
        owner_now as rep_id,
        1 as k,
        cast(null as integer) as n,
        amount_now as amount
    from deals
    where is_won and amount_now is not null
    union all by name
    select
        'won_amount' as metric_id,
        month,
        'owner' as cause,
        unnest([owner_now, owner_then]) as rep_id,
        unnest([-1, 1]) as k,
        unnest([-1, 1]) * amount_now as amount
    from deals
    where is_won and amount_now is not null and owner_now <> owner_then
    union all by name
    select
        'won_amount' as metric_id,
        month,
        case when amount_reporting is null then 'no_rate' else 'dated_rate' end as cause,
        owner_then as rep_id,
        case when amount_reporting is null then -1 else 0 end as k,
        coalesce(amount_reporting, 0) - amount_now as amount
    from deals
    where is_won and amount_now is not null and amount_reporting is distinct from amount_now
    union all by name
    select
        'won_amount' as metric_id,
        month,
        reason as cause,
        owner_then as rep_id,
        -1 as k,
        -amount_reporting as amount
    from deals
    where is_won and amount_reporting is not null and not is_eligible
)

select
    metric_id,
    cause,
    month,
    rep_id,
    cast(sum(k) as bigint) as k,
    cast(sum(n) as bigint) as n,
    cast(sum(amount) as decimal(18, 2)) as amount
from moves
group by metric_id, cause, month, rep_id
