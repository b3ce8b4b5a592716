-- Every deal that was won is won in the movement of its month, and no open deal is closed there for good.
with

fct_deal as (
    select * from {{ ref('fct_deal') }}
    where status in ('won', 'lost')
),

int_pipeline_moves as (
    select * from {{ ref('int_pipeline_moves') }}
    where slice_type = 'all' and movement in ('won', 'lost')
)

select
    fct_deal.deal_id,
    fct_deal.status,
    fct_deal.closed_month
from fct_deal
left join int_pipeline_moves
    on
        fct_deal.deal_id = int_pipeline_moves.deal_id
        and fct_deal.status = int_pipeline_moves.movement
        and fct_deal.closed_month = int_pipeline_moves.month
where int_pipeline_moves.deal_id is null
