with

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

records as (
    select * from {{ ref('int_pipedrive__lead_records') }}
),

deal_persons as (
    select * from {{ ref('stg_pipedrive__deal_persons') }}
)

select
    'pipedrive' as source_crm,
    deal_id,
    source_lead_id as lead_id,
    'native' as link_method,
    cast(1.0 as {{ double() }}) as link_confidence
from deals
where source_lead_id is not null
union all by name
select
    'pipedrive' as source_crm,
    deals.deal_id,
    records.lead_id,
    'native' as link_method,
    cast(1.0 as {{ double() }}) as link_confidence
from deals
inner join records on deals.own_lead_id = records.lead_id
-- The person of a deal may have other leads; without a person, the organization may.
union all by name
select
    'pipedrive' as source_crm,
    deal_id,
    coalesce(person_id, organization_id) as lead_id,
    'association' as link_method,
    cast(case when person_id is not null then 0.95 else 0.85 end as {{ double() }}) as link_confidence
from deals
where coalesce(person_id, organization_id) is not null
-- Who came in as a lead is often not the one who signs.
union all by name
select
    'pipedrive' as source_crm,
    deals.deal_id,
    deal_persons.person_id as lead_id,
    'association' as link_method,
    cast(0.95 as {{ double() }}) as link_confidence
from deals
inner join deal_persons on deals.deal_id = deal_persons.deal_id
where deal_persons.person_id is distinct from deals.person_id
