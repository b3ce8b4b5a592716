{{ config(materialized='table') }}

with

deals as (
    select * from {{ ref('int_deals') }}
),

deal_persons as (
    select * from {{ ref('int_deal_persons') }}
),

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

candidates as (
    select
        deals.deal_id,
        deals.won_at,
        deal_persons.person_id,
        deal_persons.link_method,
        deal_persons.link_confidence,
        cycles.cycle_id,
        cycles.entered_at,
        coalesce(cycles.entered_at <= deals.first_seen_at, false) as is_entered_before
    from deals
    inner join deal_persons on deals.deal_id = deal_persons.deal_id
    inner join cycles on deal_persons.person_id = cycles.person_id
)

-- Of each person on the deal, the newest cycle that had begun when the deal was made, else the earliest.
select * from candidates
qualify row_number() over (
    partition by deal_id, person_id
    order by
        is_entered_before desc,
        case when is_entered_before then entered_at end desc nulls last,
        entered_at asc,
        cycle_id asc
) = 1
