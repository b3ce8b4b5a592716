with

history as (
    select * from {{ ref('stg_hubspot__deals_history') }}
),

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

pipeline_changes as (
    select
        deal_id,
        new_value as pipeline_id,
        changed_at
    from history
    where field = 'pipeline' and new_value is not null
),

stage_changes as (
    select
        deal_id,
        new_value as stage_id,
        changed_at
    from history
    where field = 'dealstage' and new_value is not null
    union all by name
    select
        deals.deal_id,
        deals.stage_id,
        deals.created_at as changed_at
    from deals
    where
        deals.stage_id is not null
        and deals.created_at is not null
        and deals.deal_id not in (
            select history.deal_id from history
            where history.field = 'dealstage' and history.new_value is not null
        )
)

-- A stage id is only unique within its pipeline, and a move to another pipeline changes both at once.
select
    'hubspot' as source_crm,
    stage_changes.deal_id,
    coalesce(pipeline_changes.pipeline_id, deals.pipeline_id) as pipeline_id,
    stage_changes.stage_id,
    stage_changes.changed_at
from stage_changes
asof left join pipeline_changes
    on stage_changes.deal_id = pipeline_changes.deal_id and stage_changes.changed_at >= pipeline_changes.changed_at
inner join deals on stage_changes.deal_id = deals.deal_id
