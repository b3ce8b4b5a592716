with

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

moves as (
    select * from {{ ref('int_pipedrive__deal_moves') }}
),

stages as (
    select * from {{ ref('stg_pipedrive__stages') }}
),

leads_history as (
    select * from {{ ref('stg_pipedrive__leads_history') }}
),

lead_labels as (
    select * from {{ ref('stg_pipedrive__lead_labels') }}
),

meanings as (
    select * from {{ ref('stg_config__lead_milestones') }}
    where source_crm = 'pipedrive'
),

deal_leads as (
    select
        deal_id,
        lead_id
    from {{ ref('int_pipedrive__deal_leads') }}
    where link_method = 'native'
),

conversions as (
    select
        deal_leads.lead_id,
        'conversion' as state_field,
        meanings.milestone,
        'converted' as state_value,
        deals.created_by_id as changed_by_id,
        deals.created_at as changed_at
    from deal_leads
    inner join deals on deal_leads.deal_id = deals.deal_id
    left join meanings on meanings.field = 'conversion' and meanings.field_value = 'converted'
    where deals.source_lead_id is not null
),

-- A stage that is named, and every later one of its pipeline: a deal may be dragged past it.
qualified_from as (
    select
        stages.pipeline_id,
        min(stages.stage_order) as stage_order
    from stages
    inner join meanings
        on meanings.field = 'stage' and stages.stage_id = meanings.field_value and meanings.milestone = 'qualified'
    group by stages.pipeline_id
),

visits as (
    select
        deal_leads.lead_id,
        moves.deal_id,
        moves.move_no,
        coalesce(stages.stage_label, moves.stage_id) as state_value,
        moves.stage_id = 'lost' as is_lost,
        coalesce(
            moves.stage_id = 'won' or (moves.stage_id <> 'lost' and stages.stage_order >= qualified_from.stage_order),
            false
        ) as is_qualified,
        deals.lost_reason,
        moves.changed_by_id,
        moves.changed_at
    from moves
    inner join deal_leads on moves.deal_id = deal_leads.deal_id
    inner join deals on moves.deal_id = deals.deal_id
    inner join qualified_from on moves.pipeline_id = qualified_from.pipeline_id
    left join stages on moves.open_stage_id = stages.stage_id
),

judged as (
    select
        *,
        coalesce(
            bool_or(is_qualified) over (
                partition by deal_id order by move_no rows between unbounded preceding and 1 preceding
            ),
            false
        ) as was_qualified
    from visits
),

-- Lost before that stage is a lead written off; lost after it is a deal lost, and the lead stays qualified.
deal_states as (
    select
        lead_id,
        'stage' as state_field,
        case when is_qualified then 'qualified' when is_lost then 'disqualified' end as milestone,
        case when is_lost then coalesce(lost_reason, 'lost') else state_value end as state_value,
        changed_by_id,
        changed_at
    from judged
    where not (is_lost and was_qualified)
),

labels_seen as (
    select
        lead_id,
        seen_at,
        unnest(coalesce(json_extract_string(try_cast(seen_value as json), '$[*]'), [])) as label_id
    from leads_history
    where field = 'label_ids'
),

-- A lead may have several labels: one that writes it off is stronger than one that qualifies it.
labelled as (
    select
        labels_seen.lead_id,
        labels_seen.seen_at,
        string_agg(coalesce(lead_labels.label, labels_seen.label_id), ', ' order by labels_seen.label_id) as label_text,
        min(meanings.milestone) as milestone
    from labels_seen
    left join lead_labels on labels_seen.label_id = lead_labels.label_id
    left join meanings
        on
            meanings.field = 'label'
            and (labels_seen.label_id = meanings.field_value or lower(lead_labels.label) = lower(meanings.field_value))
    group by labels_seen.lead_id, labels_seen.seen_at
),

label_states as (
    select
        leads_history.lead_id,
        'label' as state_field,
        labelled.milestone,
        coalesce(labelled.label_text, 'none') as state_value,
        cast(null as text) as changed_by_id,
        leads_history.seen_at as changed_at
    from leads_history
    left join labelled on leads_history.lead_id = labelled.lead_id and leads_history.seen_at = labelled.seen_at
    where leads_history.field = 'label_ids'
),

-- Pipedrive does not say when a lead was archived: the change that the next night saw is as near as one comes.
archived_states as (
    select
        leads_history.lead_id,
        'archived' as state_field,
        meanings.milestone,
        case
            when leads_history.seen_value = 'true' then coalesce(labelled.label_text, 'archived')
            else 'in the inbox'
        end as state_value,
        cast(null as text) as changed_by_id,
        leads_history.seen_at as changed_at
    from leads_history
    left join meanings on meanings.field = 'archived' and leads_history.seen_value = meanings.field_value
    left join labelled on leads_history.lead_id = labelled.lead_id and leads_history.seen_at = labelled.seen_at
    where leads_history.field = 'is_archived'
),

states as (
    select * from conversions
    union all by name
    select * from deal_states
    union all by name
    select * from label_states
    union all by name
    select * from archived_states
)

select
    'pipedrive' as source_crm,
    lead_id,
    state_field,
    milestone,
    state_value,
    changed_by_id as changed_by_rep_id,
    changed_by_id as changed_by_key,
    'instant' as changed_precision,
    false as is_possibly_inherited,
    changed_at
from states
where changed_at is not null
