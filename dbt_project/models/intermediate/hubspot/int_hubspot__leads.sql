with

leads as (
    select * from {{ ref('stg_hubspot__leads') }}
),

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

associations as (
    select * from {{ ref('stg_hubspot__associations') }}
),

coverage as (
    select * from {{ ref('stg_load__coverage') }}
),

-- A portal's leads stay in raw when they are no longer read; they count only while they are.
available as (
    select * from coverage
    where source_crm = 'hubspot' and object = 'leads' and is_available
),

linked as (
    select
        from_id as lead_id,
        min(to_id) as contact_id
    from associations
    where association_type = 'leads_contacts'
    group by from_id
),

-- The contact may have been merged since the lead was last read.
placed as (
    select
        leads.*,
        contacts.source_value,
        coalesce(leads.primary_contact_id, linked.contact_id) as contact_id,
        coalesce(contacts.merged_into_contact_id, leads.primary_contact_id, linked.contact_id) as survivor_id,
        coalesce(contacts.is_deleted and contacts.merged_into_contact_id is null, false) as is_contact_deleted
    from leads
    left join linked on leads.lead_id = linked.lead_id
    left join contacts on coalesce(leads.primary_contact_id, linked.contact_id) = contacts.contact_id
    where exists (select 1 from available)
),

-- A lead that a workflow or a person made right after its contact is the same new lead. Of several leads
-- only the first can be; of the contacts that were merged since, the one made last before it is meant.
pairs as (
    select
        placed.lead_id,
        contacts.contact_id,
        contacts.created_at as contact_created_at,
        placed.created_at
    from placed
    inner join contacts on placed.survivor_id = coalesce(contacts.merged_into_contact_id, contacts.contact_id)
    where
        contacts.created_at <= placed.created_at
        and placed.created_at < contacts.created_at + interval 1 day
    qualify row_number() over (
        partition by placed.lead_id
        order by contacts.created_at desc, contacts.merged_into_contact_id asc nulls first, contacts.contact_id asc
    ) = 1
),

twins as (
    select * from pairs
    qualify row_number() over (partition by contact_id order by created_at, lead_id) = 1
)

select
    placed.lead_id as hubspot_lead_id,
    coalesce(twins.contact_id, {{ hubspot_typed_id("'lead'", 'placed.lead_id') }}) as lead_id,
    coalesce(placed.contact_id, {{ hubspot_typed_id("'lead'", 'placed.lead_id') }}) as person_source_id,
    twins.contact_id is not null as is_its_contact,
    placed.owner_id,
    placed.source_value,
    placed.pipeline_id,
    placed.disqualification_reason,
    placed.record_source,
    placed.is_deleted or placed.is_contact_deleted as is_deleted,
    placed.created_at
from placed
left join twins on placed.lead_id = twins.lead_id
