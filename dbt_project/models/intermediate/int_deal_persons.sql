{{ config(materialized='table') }}

with

deal_leads as (
    select * from {{ ref('int_crm__deal_leads') }}
),

activity_links as (
    select * from {{ ref('int_crm__activity_links') }}
),

deals as (
    select * from {{ ref('int_deals') }}
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

-- An association may still name a record that was merged away, or that never reached us.
pointed as (
    select
        deal_leads.deal_id,
        coalesce(records.person_id, bridge.person_id) as person_id,
        records.lead_id,
        deal_leads.link_method,
        deal_leads.link_confidence
    from deal_leads
    left join records on deal_leads.lead_id = records.lead_id
    left join bridge on deal_leads.source_crm = bridge.source_crm and deal_leads.lead_id = bridge.source_id
),

-- The same activity on a deal and on one person says whose deal it is.
shared as (
    select distinct
        with_deal.deal_id,
        records.person_id
    from activity_links as with_deal
    inner join activity_links as with_lead on with_deal.activity_id = with_lead.activity_id
    inner join records on with_lead.lead_id = records.lead_id
    where with_deal.deal_id is not null
),

single as (
    select
        deal_id,
        min(person_id) as person_id
    from shared
    group by deal_id
    having count(*) = 1
),

ladder as (
    select * from pointed
    union all by name
    select
        deal_id,
        person_id,
        cast(null as text) as lead_id,
        'person' as link_method,
        cast(0.9 as {{ double() }}) as link_confidence
    from single
)

select
    ladder.deal_id,
    ladder.person_id,
    ladder.lead_id,
    ladder.link_method,
    ladder.link_confidence
from ladder
inner join deals on ladder.deal_id = deals.deal_id
inner join persons on ladder.person_id = persons.person_id
qualify row_number() over (
    partition by ladder.deal_id, ladder.person_id order by ladder.link_confidence desc, ladder.lead_id asc
) = 1
