with

deals as (
    select * from {{ ref('stg_csv__deals') }}
)

-- An export knows today's amount only, and no date on which a deal is expected to close.
select
    'csv' as source_crm,
    deal_id,
    'amount' as field,
    amount,
    cast(null as timestamptz) as expected_close_at,
    coalesce(created_at, won_at, lost_at) as changed_at
from deals
where amount is not null and coalesce(created_at, won_at, lost_at) is not null
