with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

-- A survivor names everything it swallowed, also records that were gone before our first load.
swallowed as (
    select
        contact_id as into_id,
        unnest(string_split(merged_object_ids, ';')) as swallowed_id
    from contacts
    where merged_object_ids is not null
),

edges as (
    select
        contact_id as source_id,
        merged_into_contact_id as into_id,
        deleted_at as merged_at
    from contacts
    where merged_into_contact_id is not null
    union all by name
    select
        {{ source_key('hubspot', 'swallowed_id') }} as source_id,
        into_id,
        cast(null as timestamptz) as merged_at
    from swallowed
)

select
    'hubspot' as source_crm,
    source_id,
    into_id,
    max(merged_at) as merged_at
from edges
where source_id is not null and source_id <> into_id
group by source_id, into_id
