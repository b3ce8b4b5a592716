with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

-- A converted lead and its contact are one person: the lead went into the contact.
edges as (
    select
        lead_id as source_id,
        merged_into_lead_id as into_id,
        deleted_at as merged_at
    from leads
    union all by name
    select
        contact_id as source_id,
        merged_into_contact_id as into_id,
        deleted_at as merged_at
    from contacts
    union all by name
    select
        lead_id as source_id,
        converted_contact_id as into_id,
        cast(null as timestamptz) as merged_at
    from leads
)

select
    'salesforce' as source_crm,
    source_id,
    into_id,
    max(merged_at) as merged_at
from edges
where into_id is not null and source_id <> into_id
group by source_id, into_id
