with

leads as (
    select * from {{ ref('stg_csv__leads') }}
)

select
    'csv' as source_crm,
    lead_id,
    person_source_id,
    owner_id,
    source_value,
    coalesce(created_precision, 'day') as created_precision,
    false as is_form,
    false as is_merge_result,
    false as is_merged_away,
    is_deleted,
    created_at
from leads
