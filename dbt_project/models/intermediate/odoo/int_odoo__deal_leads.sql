with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
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
    -- Where there is an address it is what made the two one person; else it is their customer.
    case when leads.email_key is not null then 'email' else 'association' end as link_method,
    cast(case when leads.email_key is not null then 0.85 else 0.95 end as {{ double() }}) as link_confidence
from lives as deals
inner join lives on deals.person_source_id = lives.person_source_id
inner join leads on deals.lead_id = leads.lead_id
where deals.is_opportunity and not deals.is_lead and lives.is_lead
