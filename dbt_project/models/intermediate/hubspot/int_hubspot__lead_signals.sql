with

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

history as (
    select * from {{ ref('stg_hubspot__contacts_history') }}
),

leads as (
    select * from {{ ref('int_hubspot__leads') }}
),

-- HubSpot keeps the first and the newest form only; the history of the newest gives those between.
signals as (
    select
        contact_id,
        created_at as signal_at
    from contacts
    where upper(record_source) in ('FORM', 'FORMS') and merged_object_ids is null
    union all by name
    select
        contact_id,
        first_conversion_at as signal_at
    from contacts
    union all by name
    select
        contact_id,
        recent_conversion_at as signal_at
    from contacts
    union all by name
    select
        contact_id,
        {{ hubspot_instant('new_value') }} as signal_at
    from history
    where field = 'recent_conversion_date'
    union all by name
    select
        lead_id as contact_id,
        created_at as signal_at
    from leads
    where record_source in ('FORM', 'FORMS') and not is_deleted
)

select distinct
    'hubspot' as source_crm,
    contact_id as lead_id,
    signal_at
from signals
where signal_at is not null
