with

-- Everybody on a won deal became a customer; the deal itself is counted once, in fct_deal.
links as (
    select * from {{ ref('int_deal_cycles') }}
    where link_confidence >= 0.85
),

deals as (
    select * from {{ ref('int_deals') }}
),

amounts as (
    select * from {{ ref('int_deal_amounts') }}
),

reps as (
    select * from {{ ref('int_reps') }}
),

linked as (
    select
        links.cycle_id,
        deals.deal_id,
        deals.won_at,
        amounts.amount_reporting,
        reps.rep_id as qualified_by_rep_id
    from links
    inner join deals on links.deal_id = deals.deal_id
    inner join amounts on links.deal_id = amounts.deal_id
    left join reps on deals.qualified_by_id = reps.rep_source_id
)

-- One won deal without an amount makes the sum unknown, not smaller.
select
    cycle_id,
    cast(count(*) as integer) as deal_count,
    cast(count(won_at) as integer) as won_deal_count,
    min(won_at) as customer_at,
    case
        when count(won_at) = count(amount_reporting) filter (where won_at is not null)
            then cast(coalesce(sum(amount_reporting) filter (where won_at is not null), 0) as decimal(18, 2))
    end as won_amount_reporting,
    arg_min(qualified_by_rep_id, deal_id) filter (where qualified_by_rep_id is not null) as qualified_by_rep_id
from linked
group by cycle_id
