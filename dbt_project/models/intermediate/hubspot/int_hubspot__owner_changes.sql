with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

leads as (
    select * from {{ ref('int_hubspot__leads') }}
),

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

contacts_history as (
    select * from {{ ref('stg_hubspot__contacts_history') }}
    where field = 'hubspot_owner_id'
),

leads_history as (
    select * from {{ ref('stg_hubspot__leads_history') }}
    where field = 'hubspot_owner_id'
),

deals_history as (
    select * from {{ ref('stg_hubspot__deals_history') }}
    where field = 'hubspot_owner_id'
)

select
    'hubspot' as source_crm,
    'lead' as record_kind,
    contact_id as record_id,
    {{ source_key('hubspot', 'new_value') }} as owner_id,
    changed_at
from contacts_history
-- A workflow copies the contact's owner to its lead, or a person gives the lead to somebody else.
union all by name
select
    'hubspot' as source_crm,
    'lead' as record_kind,
    leads.lead_id as record_id,
    {{ source_key('hubspot', 'leads_history.new_value') }} as owner_id,
    leads_history.changed_at
from leads_history
inner join leads on leads_history.lead_id = leads.hubspot_lead_id
where not leads.is_deleted
union all by name
select
    'hubspot' as source_crm,
    'deal' as record_kind,
    deal_id as record_id,
    {{ source_key('hubspot', 'new_value') }} as owner_id,
    changed_at
from deals_history
-- A record without owner history had its owner from the start.
union all by name
select
    'hubspot' as source_crm,
    'lead' as record_kind,
    contacts.contact_id as record_id,
    contacts.owner_id,
    contacts.created_at as changed_at
from contacts
where
    contacts.owner_id is not null
    and contacts.created_at is not null
    and contacts.contact_id not in (select contacts_history.contact_id from contacts_history)
union all by name
select
    'hubspot' as source_crm,
    'deal' as record_kind,
    deals.deal_id as record_id,
    deals.owner_id,
    deals.created_at as changed_at
from deals
where
    deals.owner_id is not null
    and deals.created_at is not null
    and deals.deal_id not in (select deals_history.deal_id from deals_history)
