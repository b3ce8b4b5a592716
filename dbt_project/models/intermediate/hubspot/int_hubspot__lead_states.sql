with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

history as (
    select * from {{ ref('stg_hubspot__contacts_history') }}
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

followed as (
    select
        contact_id,
        field,
        new_value,
        changed_by_user_id,
        source_type,
        changed_at
    from history
    where field in ('lifecyclestage', 'hs_lead_status')
),

first_of_field as (
    select
        contact_id,
        field,
        min(changed_at) as first_changed_at
    from followed
    group by contact_id, field
)

-- A merge keeps the furthest stage of both records. The stage it writes is inherited, not reached.
select
    'hubspot' as source_crm,
    followed.contact_id as lead_id,
    followed.field as state_field,
    meanings.milestone,
    followed.new_value as state_value,
    users.owner_id as changed_by_rep_id,
    followed.changed_by_user_id as changed_by_key,
    'instant' as changed_precision,
    coalesce(contains(followed.source_type, 'MERGE'), false)
    or (contacts.merged_object_ids is not null and followed.changed_at = first_of_field.first_changed_at)
        as is_possibly_inherited,
    followed.changed_at
from followed
inner join contacts on followed.contact_id = contacts.contact_id
inner join first_of_field on followed.contact_id = first_of_field.contact_id and followed.field = first_of_field.field
left join meanings on followed.field = meanings.field and followed.new_value = meanings.field_value
left join users on followed.changed_by_user_id = users.user_id
