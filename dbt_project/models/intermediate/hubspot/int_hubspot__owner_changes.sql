with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

contacts_history as (
    select * from {{ ref('stg_hubspot__contacts_history') }}
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
