with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

changes as (
    select * from {{ ref('int_odoo__tracked_changes') }}
    where field = 'stage_id'
),

coverage as (
    select * from {{ ref('stg_load__coverage') }}
),

first_changes as (
    select * from changes
    qualify row_number() over (partition by lead_id order by changed_at, tracking_value_no) = 1
),

-- Nothing tells the first stage but the first change, which says where it came from. A key that may not read
-- the changes leaves all of it unknown, which is something else than a deal that never moved.
stages as (
    select
        leads.lead_id,
        coalesce(cast(first_changes.old_value_integer as text), leads.stage_id) as stage_id,
        leads.created_at as changed_at,
        0 as change_no
    from leads
    left join first_changes on leads.lead_id = first_changes.lead_id
    where
        leads.created_at is not null
        and exists (
            select 1 from coverage
            where coverage.source_crm = 'odoo' and coverage.object = 'tracking_values' and coverage.is_available
        )
    union all by name
    select
        lead_id,
        cast(new_value_integer as text) as stage_id,
        changed_at,
        tracking_value_no as change_no
    from changes
),

-- A deal begins in the stage that the lead was in when it became one.
of_deals as (
    select
        stages.lead_id,
        stages.stage_id,
        greatest(stages.changed_at, lives.became_deal_at) as changed_at
    from stages
    inner join lives on stages.lead_id = lives.lead_id
    where lives.became_deal_at is not null and stages.stage_id is not null
    qualify
        row_number() over (
            partition by stages.lead_id, greatest(stages.changed_at, lives.became_deal_at)
            order by stages.changed_at desc, stages.change_no desc
        ) = 1
)

select
    'odoo' as source_crm,
    lead_id as deal_id,
    'crm' as pipeline_id,
    stage_id,
    changed_at
from of_deals
