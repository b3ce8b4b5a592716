with

history as (
    select * from {{ ref('stg_salesforce__opportunity_history') }}
),

deals as (
    select * from {{ ref('stg_salesforce__opportunities') }}
),

entries as (
    select
        deal_id,
        stage_id,
        changed_at,
        lag(stage_id) over (partition by deal_id order by changed_at, history_id) as previous_stage_id,
        row_number() over (partition by deal_id, changed_at order by history_id) as entry_no
    from history
    where stage_id is not null
),

-- An entry is also written when an amount or a close date changes. Stamps are whole seconds and ids rise: what came
-- second in a second stays second.
stage_changes as (
    select
        deal_id,
        stage_id,
        changed_at + to_microseconds(entry_no - 1) as changed_at
    from entries
    where stage_id is distinct from previous_stage_id
    union all by name
    select
        deal_id,
        stage_id,
        created_at as changed_at
    from deals
    where
        stage_id is not null
        and created_at is not null
        and deal_id not in (select entries.deal_id from entries)
)

select
    'salesforce' as source_crm,
    stage_changes.deal_id,
    'default' as pipeline_id,
    stage_changes.stage_id,
    stage_changes.changed_at
from stage_changes
inner join deals on stage_changes.deal_id = deals.deal_id
