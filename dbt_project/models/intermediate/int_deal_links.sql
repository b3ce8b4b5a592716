{{ config(materialized='table') }}

with

deals as (
    select * from {{ ref('int_deals') }}
),

deal_persons as (
    select * from {{ ref('int_deal_persons') }}
),

candidates as (
    select * from {{ ref('int_deal_cycles') }}
),

-- A deal with several people is one deal: the strongest pointer, then the newest cycle that had begun.
chosen as (
    select * from candidates
    qualify row_number() over (
        partition by deal_id
        order by
            link_confidence desc,
            is_entered_before desc,
            case when is_entered_before then entered_at end desc nulls last,
            entered_at asc,
            person_id asc,
            cycle_id asc
    ) = 1
),

people as (
    select
        deal_id,
        min(person_id) as person_id
    from deal_persons
    group by deal_id
)

select
    deals.deal_id,
    coalesce(chosen.person_id, people.person_id) as person_id,
    chosen.cycle_id,
    coalesce(chosen.link_method, 'unlinked') as link_method,
    cast(coalesce(chosen.link_confidence, 0) as {{ double() }})
        as link_confidence,
    coalesce(chosen.won_at < chosen.entered_at, false) as is_impossible_order
from deals
left join chosen on deals.deal_id = chosen.deal_id
left join people on deals.deal_id = people.deal_id
