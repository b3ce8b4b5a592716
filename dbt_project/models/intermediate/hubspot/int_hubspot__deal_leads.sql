with

associations as (
    select * from {{ ref('stg_hubspot__associations') }}
),

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

deal_companies as (
    select * from {{ ref('int_hubspot__deal_companies') }}
),

direct as (
    select distinct
        from_id as deal_id,
        to_id as contact_id
    from associations
    where association_type = 'deals_contacts'
),

colleagues as (
    select distinct
        from_id as company_id,
        to_id as contact_id
    from associations
    where association_type = 'companies_contacts'
),

-- A deal on which nobody is put down: the one person of its company who became known not long before.
through_company as (
    select
        deals.deal_id,
        min(contacts.contact_id) as contact_id
    from deals
    inner join deal_companies on deals.deal_id = deal_companies.deal_id
    inner join colleagues on deal_companies.company_id = colleagues.company_id
    inner join contacts on colleagues.contact_id = contacts.contact_id
    where
        not contacts.is_deleted
        and deals.deal_id not in (select direct.deal_id from direct)
        and contacts.created_at <= deals.created_at
        and contacts.created_at >= deals.created_at - interval {{ var('link_window_days') }} day
    group by deals.deal_id
    having count(*) = 1
)

select
    'hubspot' as source_crm,
    deal_id,
    contact_id as lead_id,
    'association' as link_method,
    cast(0.95 as {{ double() }}) as link_confidence
from direct
union all by name
select
    'hubspot' as source_crm,
    deal_id,
    contact_id as lead_id,
    'company' as link_method,
    cast(0.6 as {{ double() }}) as link_confidence
from through_company
