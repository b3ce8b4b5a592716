with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

contacts_history as (
    select * from {{ ref('stg_hubspot__contacts_history') }}
),

leads as (
    select * from {{ ref('int_hubspot__leads') }}
),

leads_history as (
    select * from {{ ref('stg_hubspot__leads_history') }}
),

lead_stages as (
    select * from {{ ref('stg_hubspot__lead_stages') }}
),

owners as (
    select * from {{ ref('stg_hubspot__owners') }}
),

meanings as (
    select * from {{ ref('stg_config__lead_milestones') }}
    where source_crm = 'hubspot'
),

-- History names the user, everything else the owner: two keys for one person.
users as (
    select
        user_id,
        min(owner_id) as owner_id
    from owners
    where user_id is not null
    group by user_id
),

stage_labels as (
    select
        stage_id,
        min(stage_label) as stage_label
    from lead_stages
    group by stage_id
),

first_of_field as (
    select
        contact_id,
        field,
        min(changed_at) as first_changed_at
    from contacts_history
    group by contact_id, field
),

-- A merge keeps the furthest stage of both records. The stage it writes is inherited, not reached.
followed as (
    select
        history.contact_id as lead_id,
        history.field,
        history.new_value,
        cast(null as text) as reason,
        history.changed_by_user_id,
        coalesce(contains(history.source_type, 'MERGE'), false)
        or (contacts.merged_object_ids is not null and history.changed_at = first_of_field.first_changed_at)
            as is_possibly_inherited,
        history.changed_at
    from contacts_history as history
    inner join contacts on history.contact_id = contacts.contact_id
    inner join first_of_field on history.contact_id = first_of_field.contact_id and history.field = first_of_field.field
    where history.field in ('lifecyclestage', 'hs_lead_status')
    union all by name
    select
        leads.lead_id,
        history.field,
        history.new_value,
        coalesce(leads.disqualification_reason, stage_labels.stage_label) as reason,
        history.changed_by_user_id,
        false as is_possibly_inherited,
        history.changed_at
    from leads_history as history
    inner join leads on history.lead_id = leads.hubspot_lead_id
    left join stage_labels on history.new_value = stage_labels.stage_id
    where history.field = 'hs_pipeline_stage' and not leads.is_deleted
)

select
    'hubspot' as source_crm,
    followed.lead_id,
    followed.field as state_field,
    meanings.milestone,
    case
        when meanings.milestone = 'disqualified' then coalesce(followed.reason, followed.new_value)
        else followed.new_value
    end as state_value,
    users.owner_id as changed_by_rep_id,
    followed.changed_by_user_id as changed_by_key,
    'instant' as changed_precision,
    followed.is_possibly_inherited,
    followed.changed_at
from followed
left join meanings on followed.field = meanings.field and followed.new_value = meanings.field_value
left join users on followed.changed_by_user_id = users.user_id
