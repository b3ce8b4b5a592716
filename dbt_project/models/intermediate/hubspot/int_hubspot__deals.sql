with

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

history as (
    select * from {{ ref('stg_hubspot__deals_history') }}
),

stages as (
    select * from {{ ref('int_hubspot__deal_stages') }}
),

-- The close date is a date people edit; what happened, happened when the stage changed.
stage_changes as (
    select
        deal_id,
        changed_at,
        new_value as stage_id,
        lag(new_value) over (partition by deal_id order by changed_at, new_value) as previous_stage_id
    from history
    where field = 'dealstage' and new_value is not null
),

last_stage_change as (
    select
        deal_id,
        max(changed_at) as stage_entered_at
    from stage_changes
    where stage_id is distinct from previous_stage_id
    group by deal_id
),

close_dates as (
    select
        history.deal_id,
        {{ hubspot_instant('history.new_value') }} as close_date_at,
        lag({{ hubspot_instant('history.new_value') }}) over (
            partition by history.deal_id order by history.changed_at, history.new_value
        ) as previous_close_date_at,
        history.changed_at
    from history
    where history.field = 'closedate'
),

settled as (
    select
        deals.deal_id,
        coalesce(deals.is_closed_won, stages.is_won, false) as is_won,
        coalesce(deals.is_closed, stages.is_closed, false) as is_closed,
        coalesce(last_stage_change.stage_entered_at, deals.expected_close_at) as closed_at
    from deals
    left join stages on deals.pipeline_id = stages.pipeline_id and deals.stage_id = stages.stage_id
    left join last_stage_change on deals.deal_id = last_stage_change.deal_id
),

pushes as (
    select
        close_dates.deal_id,
        count(*) as push_count
    from close_dates
    inner join settled on close_dates.deal_id = settled.deal_id
    where
        close_dates.close_date_at > close_dates.previous_close_date_at
        and (not (settled.is_won or settled.is_closed) or close_dates.changed_at < settled.closed_at)
    group by close_dates.deal_id
)

select
    'hubspot' as source_crm,
    deals.deal_id,
    deals.owner_id,
    cast(null as text) as qualified_by_id,
    cast(null as text) as closed_by_id,
    deals.pipeline_id,
    deals.stage_id,
    deals.lost_reason,
    deals.currency_code,
    deals.amount,
    coalesce(pushes.push_count, 0) as push_count,
    coalesce(lower(deals.deal_type) not in ('existingbusiness', 'renewal', 'existing_business', 'upsell'), true)
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
