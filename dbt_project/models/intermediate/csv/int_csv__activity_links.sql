with

activities as (
    select * from {{ ref('stg_csv__activities') }}
)

select
    'csv' as source_crm,
    activity_id,
    lead_id,
    deal_id
from activities
where lead_id is not null or deal_id is not null
