{{ config(materialized='table', schema='private') }}

with

contact_keys as (
    select * from {{ ref('int_crm__contact_keys') }}
),

freemail_domains as (
    select * from {{ ref('stg_config__freemail_domains') }}
)

-- Who shares a domain where anybody may have an address does not share a company.
select
    contact_keys.source_crm,
    contact_keys.record_kind,
    contact_keys.record_id,
    contact_keys.email_key,
    contact_keys.domain_key,
    case when freemail_domains.domain_key is null then contact_keys.domain_key end as company_domain_key
from contact_keys
left join freemail_domains on contact_keys.domain_key = freemail_domains.domain_key
