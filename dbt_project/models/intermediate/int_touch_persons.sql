{{ config(materialized='table') }}

with

touches as (
    select * from {{ ref('int_touches') }}
),

links as (
    select * from {{ ref('int_crm__activity_links') }}
),

bridge as (
    select * from {{ ref('bridge_person_id') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

persons as (
    select * from {{ ref('int_persons') }}
),

deal_persons as (
    select * from {{ ref('int_deal_persons') }}
),

direct as (
    select
        links.activity_id,
        coalesce(records.person_id, bridge.person_id) as person_id
    from links
    left join records on links.lead_id = records.lead_id
    left join bridge on links.source_crm = bridge.source_crm and links.lead_id = bridge.source_id
    where links.lead_id is not null
),

-- An activity on the deal only is work on the person behind the deal.
through_deal as (
    select
        links.activity_id,
        deal_persons.person_id
    from links
    inner join deal_persons on links.deal_id = deal_persons.deal_id
    where links.activity_id not in (select direct.activity_id from direct)
),

either as (
    select
        activity_id,
        person_id
    from direct
    union
    select
        activity_id,
        person_id
    from through_deal
)

select
    touches.touch_id,
    either.person_id,
    touches.direction,
    touches.actor,
    touches.is_human_attempt,
    touches.is_contact,
    touches.rep_source_id,
    touches.touch_precision,
    touches.completed_at,
    touches.effective_at
from touches
inner join either on touches.touch_id = either.activity_id
inner join persons on either.person_id = persons.person_id
