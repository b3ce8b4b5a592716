with

activities as (
    select * from {{ ref('stg_pipedrive__activities') }}
),

placed as (
    select * from {{ ref('int_pipedrive__activities') }}
),

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

-- A person's id stands for the person's leads.
people as (
    select
        activity_id,
        unnest(list_distinct(list_filter([person_id] || participant_ids, lambda known_id: known_id is not null)))
            as lead_id
    from activities
),

-- Converting a lead moves its activities to the deal. What was done before there was a deal was work on the lead.
on_deals as (
    select
        activities.activity_id,
        activities.deal_id,
        deals.source_lead_id,
        coalesce(deals.source_lead_id is not null and placed.completed_at < deals.created_at, false) as is_moved
    from activities
    inner join placed on activities.activity_id = placed.activity_id
    left join deals on activities.deal_id = deals.deal_id
    where activities.deal_id is not null
)

select
    'pipedrive' as source_crm,
    activity_id,
    lead_id,
    cast(null as text) as deal_id
from people
union
select
    'pipedrive' as source_crm,
    activity_id,
    lead_id,
    cast(null as text) as deal_id
from activities
where lead_id is not null
union
select
    'pipedrive' as source_crm,
    activity_id,
    case when is_moved then source_lead_id end as lead_id,
    case when not is_moved then deal_id end as deal_id
from on_deals
