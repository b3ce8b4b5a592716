with

deals as (
    select * from {{ ref('stg_salesforce__opportunities') }}
),

history as (
    select * from {{ ref('stg_salesforce__opportunity_history') }}
),

stages as (
    select * from {{ ref('stg_salesforce__opportunity_stages') }}
),

-- The close date is a date people edit; what happened, happened when the stage changed.
entries as (
    select
        deal_id,
        stage_id,
        close_date,
        changed_at,
        lag(stage_id) over (partition by deal_id order by changed_at, history_id) as previous_stage_id,
        lag(close_date) over (partition by deal_id order by changed_at, history_id) as previous_close_date
    from history
    where stage_id is not null
),

last_stage_change as (
    select
        deal_id,
        max(changed_at) as stage_entered_at
    from entries
    where stage_id is distinct from previous_stage_id
    group by deal_id
),

settled as (
    select
        deals.deal_id,
        coalesce(deals.is_won, stages.is_won, false) as is_won,
        coalesce(deals.is_closed, stages.is_closed, false) as is_closed,
        coalesce(last_stage_change.stage_entered_at, {{ local_midnight('deals.close_date') }}) as closed_at
    from deals
    left join stages on deals.stage_id = stages.stage_id
    left join last_stage_change on deals.deal_id = last_stage_change.deal_id
),

pushes as (
    select
        entries.deal_id,
        count(*) as push_count
    from entries
    inner join settled on entries.deal_id = settled.deal_id
    where
        entries.close_date > entries.previous_close_date
        and (not (settled.is_won or settled.is_closed) or entries.changed_at < settled.closed_at)
    group by entries.deal_id
)

select
    'salesforce' as source_crm,
    deals.deal_id,
    deals.owner_id,
    cast(null as text) as qualified_by_id,
    cast(null as text) as closed_by_id,
    'default' as pipeline_id,
    deals.stage_id,
    deals.lost_reason,
    deals.currency_code,
    deals.amount,
    coalesce(pushes.push_count, 0) as push_count,
    coalesce(not regexp_matches(lower(deals.deal_type), 'exist|bestaand|renew|verleng|upsell|upgrade'), true)
        as is_new_business,
    deals.is_deleted,
    deals.created_at,
    case when settled.is_won then settled.closed_at end as won_at,
    case when settled.is_closed and not settled.is_won then settled.closed_at end as lost_at,
    last_stage_change.stage_entered_at
from deals
inner join settled on deals.deal_id = settled.deal_id
left join last_stage_change on deals.deal_id = last_stage_change.deal_id
left join pushes on deals.deal_id = pushes.deal_id
