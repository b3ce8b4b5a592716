with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
    where is_opportunity
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
)

-- Odoo tracks neither amounts nor the expected closing, so today's amount is all that is known.
select
    'odoo' as source_crm,
    lives.lead_id as deal_id,
    'amount' as field,
    leads.expected_revenue as amount,
    cast(null as timestamptz) as expected_close_at,
    lives.became_deal_at as changed_at
from lives
inner join leads on lives.lead_id = leads.lead_id
where leads.expected_revenue <> 0 and lives.became_deal_at is not null
