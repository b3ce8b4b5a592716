with

associations as (
    select * from {{ ref('stg_hubspot__associations') }}
)

select distinct
    'hubspot' as source_crm,
    from_id as deal_id,
    to_id as lead_id,
    'association' as link_method,
    cast(0.95 as {{ double() }}) as link_confidence
from associations
where association_type = 'deals_contacts'
