with

leads as (
    select * from {{ ref('stg_csv__leads') }}
),

deals as (
    select * from {{ ref('stg_csv__deals') }}
)

select
    'csv' as source_crm,
    'lead' as record_kind,
    lead_id as record_id,
    email_key,
    domain_key
from leads
where email_key is not null or domain_key is not null
union all by name
select
    'csv' as source_crm,
    'deal' as record_kind,
    deal_id as record_id,
    email_key,
    domain_key
from deals
where email_key is not null or domain_key is not null
