with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
    where is_lead
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

lead_sources as (
    select * from {{ ref('stg_odoo__lead_sources') }}
),

lead_mediums as (
    select * from {{ ref('stg_odoo__lead_mediums') }}
)

-- A merge deletes the losers and names them nowhere: all that is left of it is that they are gone.
select
    'odoo' as source_crm,
    leads.lead_id,
    lives.person_source_id,
    leads.owner_id,
    lead_sources.lead_source as source_value,
    'instant' as created_precision,
    coalesce(lower(lead_mediums.lead_medium) = 'website', false) as is_form,
    false as is_merge_result,
    false as is_merged_away,
    lives.is_deleted,
    leads.created_at
from lives
inner join leads on lives.lead_id = leads.lead_id
left join lead_sources on leads.lead_source_id = lead_sources.lead_source_id
left join lead_mediums on leads.lead_medium_id = lead_mediums.lead_medium_id
