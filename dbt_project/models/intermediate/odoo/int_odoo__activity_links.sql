with

activities as (
    select * from {{ ref('int_odoo__activities') }}
),

messages as (
    select * from {{ ref('stg_odoo__messages') }}
),

meetings as (
    select * from {{ ref('stg_odoo__meetings') }}
),

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
),

placed as (
    select
        'odoo:message' || substr(message_id, length('odoo:')) as activity_id,
        lead_id
    from messages
    union all by name
    select
        'odoo:meeting' || substr(meeting_id, length('odoo:')) as activity_id,
        lead_id
    from meetings
)

-- One record is lead and deal; what was done before it became a deal is work on the lead alone.
select
    'odoo' as source_crm,
    activities.activity_id,
    case when lives.is_lead then lives.lead_id end as lead_id,
    case when activities.completed_at >= lives.became_deal_at then lives.lead_id end as deal_id
from placed
inner join activities on placed.activity_id = activities.activity_id
inner join lives on placed.lead_id = lives.lead_id
where lives.is_lead or activities.completed_at >= lives.became_deal_at
