with

people as (
    select * from {{ ref('stg_csv__people') }}
)

select
    'csv' as source_crm,
    person_id as rep_source_id,
    true as is_human,
    coalesce(is_active, true) and not is_deleted as is_active
from people
