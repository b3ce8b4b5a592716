with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
    where is_lead
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

changes as (
    select * from {{ ref('int_odoo__tracked_changes') }}
),

stages as (
    select * from {{ ref('stg_odoo__stages') }}
),

lost_reasons as (
    select * from {{ ref('stg_odoo__lost_reasons') }}
),

meanings as (
    select * from {{ ref('stg_config__lead_milestones') }}
    where source_crm = 'odoo'
),

-- The stage from which on a lead is qualified, by its id or its name.
first_qualified as (
    select min(stages.stage_order) as stage_order
    from meanings
    inner join stages on meanings.field_value in (stages.stage_id, stages.stage_label)
    where meanings.field = 'stage'
),

conversions as (
    select
        lives.lead_id,
        min(changes.changed_by_rep_id) as changed_by_rep_id,
        min(changes.changed_by_key) as changed_by_key,
        lives.became_deal_at as changed_at
    from lives
    left join changes
        on
            lives.lead_id = changes.lead_id
            and lives.became_deal_at = changes.changed_at
            and changes.field = 'type'
    where lives.is_made_as_lead and lives.became_deal_at is not null
    group by lives.lead_id, lives.became_deal_at
),

-- From its conversion on a record's stages are those of a deal.
stage_changes as (
    select
        changes.lead_id,
        coalesce(stages.stage_label, cast(changes.new_value_integer as text)) as state_value,
        coalesce(stages.stage_order >= first_qualified.stage_order, false) as is_qualified,
        changes.changed_by_rep_id,
        changes.changed_by_key,
        changes.changed_at
    from changes
    inner join lives on changes.lead_id = lives.lead_id
    cross join first_qualified
    left join stages on cast(changes.new_value_integer as text) = stages.stage_id
    where
        changes.field = 'stage_id'
        and (
            not lives.is_made_as_lead or lives.became_deal_at is null or changes.changed_at < lives.became_deal_at
        )
),

-- Putting a record away switches it off as well; where it was lost, the same message says why or that it was.
losing_messages as (
    select
        changes.message_id,
        min(lost_reasons.lost_reason) as lost_reason
    from changes
    left join lost_reasons
        on changes.field = 'lost_reason_id' and cast(changes.new_value_integer as text) = lost_reasons.lost_reason_id
    where changes.field in ('lost_reason_id', 'won_status')
    group by changes.message_id
),

switches as (
    select
        changes.lead_id,
        changes.new_value_integer = 0 as is_off,
        losing_messages.message_id is not null as is_said_lost,
        losing_messages.lost_reason,
        changes.changed_by_rep_id,
        changes.changed_by_key,
        changes.changed_at,
        row_number() over (
            partition by changes.lead_id order by changes.changed_at desc, changes.tracking_value_no desc
        ) = 1 as is_last
    from changes
    left join losing_messages on changes.message_id = losing_messages.message_id
    where changes.field = 'active'
),

losses as (
    select
        switches.lead_id,
        case when switches.is_off then coalesce(switches.lost_reason, 'lost') else 'open' end as state_value,
        switches.is_off as is_lost,
        switches.changed_by_rep_id,
        switches.changed_by_key,
        switches.changed_at
    from switches
    inner join lives on switches.lead_id = lives.lead_id
    where not switches.is_off or case when switches.is_last then lives.is_lost else switches.is_said_lost end
    union all by name
    -- Without tracking, a record knows its last loss only.
    select
        leads.lead_id,
        coalesce(lost_reasons.lost_reason, 'lost') as state_value,
        true as is_lost,
        cast(null as text) as changed_by_rep_id,
        cast(null as text) as changed_by_key,
        leads.closed_at as changed_at
    from leads
    inner join lives on leads.lead_id = lives.lead_id
    left join lost_reasons on leads.lost_reason_id = lost_reasons.lost_reason_id
    where
        lives.is_lost
        and leads.closed_at is not null
        and leads.lead_id not in (
            select switches.lead_id from switches
            where switches.is_off
        )
),

followed as (
    select
        *,
        'stage' as state_field,
        'opportunity' as state_value,
        true as is_reached,
        'type' as meaning_field
    from conversions
    union all by name
    select
        * exclude (is_qualified),
        'stage' as state_field,
        is_qualified as is_reached,
        'stage' as meaning_field
    from stage_changes
    union all by name
    select
        * exclude (is_lost),
        'lost' as state_field,
        is_lost as is_reached,
        'lost' as meaning_field
    from losses
)

select
    'odoo' as source_crm,
    followed.lead_id,
    followed.state_field,
    meanings.milestone,
    followed.state_value,
    followed.changed_by_rep_id,
    followed.changed_by_key,
    'instant' as changed_precision,
    false as is_possibly_inherited,
    followed.changed_at
from followed
left join meanings on followed.meaning_field = meanings.field and followed.is_reached
