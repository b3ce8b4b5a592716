with

leads as (
    select * from {{ ref('stg_csv__leads') }}
),

deals as (
    select * from {{ ref('stg_csv__deals') }}
)

-- An export knows today's owner only, so it is taken to have been the owner from the start.
select
    'csv' as source_crm,
    'lead' as record_kind,
    lead_id as record_id,
    owner_id,
    created_at as changed_at
from leads
where owner_id is not null and created_at is not null
union all by name
select
    'csv' as source_crm,
    'deal' as record_kind,
    deal_id as record_id,
    owner_id,
    coalesce(created_at, won_at, lost_at) as changed_at
from deals
where owner_id is not null and coalesce(created_at, won_at, lost_at) is not null
