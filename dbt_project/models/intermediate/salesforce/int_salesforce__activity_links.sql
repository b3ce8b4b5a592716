with

tasks as (
    select * from {{ ref('stg_salesforce__tasks') }}
),

events as (
    select * from {{ ref('stg_salesforce__events') }}
),

ends as (
    select
        task_id as activity_id,
        unnest([who_id, what_id]) as record_id
    from tasks
    union all by name
    select
        event_id as activity_id,
        unnest([who_id, what_id]) as record_id
    from events
)

-- The first three characters of an id say which object it belongs to: 00Q lead, 003 contact, 006 opportunity.
select distinct
    'salesforce' as source_crm,
    activity_id,
    case when regexp_matches(record_id, '^salesforce:(00Q|003)') then record_id end as lead_id,
    case when regexp_matches(record_id, '^salesforce:006') then record_id end as deal_id
from ends
where regexp_matches(record_id, '^salesforce:(00Q|003|006)')
