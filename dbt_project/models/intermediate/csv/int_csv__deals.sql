with

deals as (
    select * from {{ ref('stg_csv__deals') }}
)

select
    'csv' as source_crm,
    deal_id,
    owner_id,
    qualified_by_id,
    closed_by_id,
    cast(null as text) as pipeline_id,
    stage_id,
    lost_reason,
    currency_code,
    amount,
    0 as push_count,
    coalesce(not regexp_matches(lower(deal_type), 'exist|bestaand|renew|verleng|upsell'), true) as is_new_business,
    is_deleted,
    created_at,
    won_at,
    case when won_at is null then lost_at end as lost_at,
    cast(null as timestamptz) as stage_entered_at
from deals
