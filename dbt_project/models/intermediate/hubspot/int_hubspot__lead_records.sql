with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

leads as (
    select * from {{ ref('int_hubspot__leads') }}
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
-- A later lead of the same person is a record of its own, with the source of the person.
union all by name
select
    'hubspot' as source_crm,
    lead_id,
    person_source_id,
    owner_id,
    source_value,
    'instant' as created_precision,
    coalesce(record_source, '') in ('FORM', 'FORMS') as is_form,
    false as is_merge_result,
    false as is_merged_away,
    is_deleted,
    created_at
from leads
where not is_its_contact
