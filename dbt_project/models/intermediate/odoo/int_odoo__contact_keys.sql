with

leads as (
    select * from {{ ref('stg_odoo__leads') }}
)

-- A lead that becomes an opportunity keeps its address, so one record may be a lead and a deal.
select
    'odoo' as source_crm,
    unnest(['lead', 'deal']) as record_kind,
    lead_id as record_id,
    email_key,
    email_domain_key as domain_key
from leads
where email_key is not null
