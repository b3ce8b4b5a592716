with

owners as (
    select * from {{ ref('stg_hubspot__owners') }}
)

select
    'hubspot' as source_crm,
    owner_id as rep_source_id,
    coalesce(owner_type, 'PERSON') <> 'QUEUE' as is_human,
    not coalesce(is_archived, false) and not is_deleted as is_active
from owners
