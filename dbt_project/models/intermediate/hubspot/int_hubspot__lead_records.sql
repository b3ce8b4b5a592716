with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
)

select
    'hubspot' as source_crm,
    contact_id as lead_id,
    contact_id as person_source_id,
    owner_id,
    source_value,
    'instant' as created_precision,
    coalesce(upper(record_source), '') in ('FORM', 'FORMS') as is_form,
    merged_object_ids is not null as is_merge_result,
    coalesce(deleted_how = 'merged', false) or merged_into_contact_id is not null as is_merged_away,
    is_deleted and not (coalesce(deleted_how = 'merged', false) or merged_into_contact_id is not null) as is_deleted,
    created_at
from contacts
