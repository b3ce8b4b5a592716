with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
)

-- A lead that becomes an opportunity keeps its id; a further deal of the same person is a record of its own.
select
    'odoo' as source_crm,
    lead_id as deal_id,
    lead_id,
    'native' as link_method,
    cast(1.0 as {{ double() }}) as link_confidence
from lives
where is_opportunity and is_lead
union all by name
select
    'odoo' as source_crm,
    deals.lead_id as deal_id,
    lives.lead_id,
    'association' as link_method,
    cast(0.95 as {{ double() }}) as link_confidence
from lives as deals
inner join lives on deals.person_source_id = lives.person_source_id
where deals.is_opportunity and not deals.is_lead and lives.is_lead
