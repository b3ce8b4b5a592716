with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

roles as (
    select * from {{ ref('stg_salesforce__opportunity_contact_roles') }}
)

-- Salesforce itself says which lead became which opportunity.
select distinct
    'salesforce' as source_crm,
    converted_opportunity_id as deal_id,
    lead_id,
    'native' as link_method,
    cast(1.0 as {{ double() }}) as link_confidence
from leads
where converted_opportunity_id is not null
union all by name
select distinct
    'salesforce' as source_crm,
    deal_id,
    contact_id as lead_id,
    'association' as link_method,
    cast(0.95 as {{ double() }}) as link_confidence
from roles
where not is_deleted and deal_id is not null and contact_id is not null
