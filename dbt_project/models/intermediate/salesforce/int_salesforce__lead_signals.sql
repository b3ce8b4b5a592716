with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

lead_history as (
    select * from {{ ref('stg_salesforce__lead_history') }}
    where not {{ salesforce_is_standard_entry('field') }}
),

contact_history as (
    select * from {{ ref('stg_salesforce__contact_history') }}
    where not {{ salesforce_is_standard_entry('field') }}
),

lead_snapshots as (
    select * from {{ ref('stg_salesforce__lead_snapshots') }}
    where field = 'last_form'
),

contact_snapshots as (
    select * from {{ ref('stg_salesforce__contact_snapshots') }}
    where field = 'last_form'
),

-- The field holds the newest form only; its history and what earlier nights saw give those before.
signals as (
    select
        lead_id,
        last_form_at as signal_at
    from leads
    union all by name
    select
        lead_id,
        unnest([{{ try_cast('old_value', 'timestamptz') }}, {{ try_cast('new_value', 'timestamptz') }}]) as signal_at
    from lead_history
    union all by name
    select
        lead_id,
        {{ try_cast('field_value', 'timestamptz') }} as signal_at
    from lead_snapshots
    union all by name
    select
        contact_id as lead_id,
        last_form_at as signal_at
    from contacts
    union all by name
    select
        contact_id as lead_id,
        unnest([{{ try_cast('old_value', 'timestamptz') }}, {{ try_cast('new_value', 'timestamptz') }}]) as signal_at
    from contact_history
    union all by name
    select
        contact_id as lead_id,
        {{ try_cast('field_value', 'timestamptz') }} as signal_at
    from contact_snapshots
),

-- A contact takes the lead's last form along; that was the lead's.
taken_along as (
    select
        leads.converted_contact_id as lead_id,
        signals.signal_at
    from signals
    inner join leads on signals.lead_id = leads.lead_id
    where leads.converted_contact_id is not null
)

select distinct
    'salesforce' as source_crm,
    signals.lead_id,
    signals.signal_at
from signals
left join taken_along on signals.lead_id = taken_along.lead_id and signals.signal_at = taken_along.signal_at
where signals.signal_at is not null and taken_along.lead_id is null
