with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

history as (
    select * from {{ ref('stg_salesforce__lead_history') }}
),

snapshots as (
    select * from {{ ref('stg_salesforce__lead_snapshots') }}
    where field = 'last_form'
),

-- A later form overwrites the first one; its change, or an earlier night, still tells.
form_values as (
    select
        lead_id,
        last_form_at as form_at
    from leads
    union all by name
    select
        lead_id,
        {{ try_cast('field_value', 'timestamptz') }} as form_at
    from snapshots
    union all by name
    select
        lead_id,
        {{ try_cast('old_value', 'timestamptz') }} as form_at
    from history
    where not {{ salesforce_is_standard_entry('field') }}
),

first_forms as (
    select
        lead_id,
        min(form_at) as first_form_at
    from form_values
    where form_at is not null
    group by lead_id
)

select
    'salesforce' as source_crm,
    leads.lead_id,
    leads.lead_id as person_source_id,
    leads.owner_id,
    leads.source_value,
    'instant' as created_precision,
    coalesce(first_forms.first_form_at <= leads.created_at + interval 1 minute, false) as is_form,
    false as is_merge_result,
    leads.merged_into_lead_id is not null as is_merged_away,
    leads.is_deleted and leads.merged_into_lead_id is null as is_deleted,
    leads.created_at
from leads
left join first_forms on leads.lead_id = first_forms.lead_id
-- A contact is what a lead became, or somebody whom nobody ever had to qualify: it starts no cycle by its creation.
union all by name
select
    'salesforce' as source_crm,
    contacts.contact_id as lead_id,
    contacts.contact_id as person_source_id,
    contacts.owner_id,
    contacts.source_value,
    'instant' as created_precision,
    false as is_form,
    false as is_merge_result,
    contacts.merged_into_contact_id is not null as is_merged_away,
    contacts.is_deleted and contacts.merged_into_contact_id is null as is_deleted,
    cast(null as timestamptz) as created_at
from contacts
