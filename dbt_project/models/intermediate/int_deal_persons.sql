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

contact_keys as (
    select * from {{ ref('int_contact_keys') }}
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

told as (
    select * from pointed
    union all by name
    select
        deal_id,
        person_id,
        cast(null as text) as lead_id,
        'person' as link_method,
        cast(0.9 as {{ double() }}) as link_confidence
    from single
),

known as (
    select * from told
    where person_id in (select persons.person_id from persons)
),

surely_known as (
    select * from known
    where link_confidence >= 0.85
),

deal_keys as (
    select
        deals.deal_id,
        deals.first_seen_at,
        contact_keys.email_key,
        contact_keys.company_domain_key
    from deals
    inner join contact_keys on contact_keys.record_kind = 'deal' and deals.deal_id = contact_keys.record_id
    where deals.deal_id not in (select surely_known.deal_id from surely_known)
),

lead_keys as (
    select
        records.lead_id,
        records.person_id,
        records.created_at,
        contact_keys.email_key,
        contact_keys.company_domain_key
    from records
    inner join contact_keys on contact_keys.record_kind = 'lead' and records.lead_id = contact_keys.record_id
),

-- Several records of one address are one human whom nobody merged: the newest that was there, else the first.
same_address as (
    select
        deal_keys.deal_id,
        lead_keys.person_id,
        lead_keys.lead_id,
        'email' as link_method,
        cast(0.85 as {{ double() }}) as link_confidence
    from deal_keys
    inner join lead_keys on deal_keys.email_key = lead_keys.email_key
    qualify row_number() over (
        partition by deal_keys.deal_id
        order by
            coalesce(lead_keys.created_at <= deal_keys.first_seen_at, false) desc,
            case when lead_keys.created_at <= deal_keys.first_seen_at then lead_keys.created_at end desc nulls last,
            lead_keys.created_at asc nulls last,
            lead_keys.lead_id asc
    ) = 1
),

-- Of the company's people the only one who became known not long before the deal; of two it may be either.
same_company as (
    select
        deal_keys.deal_id,
        min(lead_keys.person_id) as person_id,
        cast(null as text) as lead_id,
        'domain' as link_method,
        cast(0.6 as {{ double() }}) as link_confidence
    from deal_keys
    inner join lead_keys on deal_keys.company_domain_key = lead_keys.company_domain_key
    where
        deal_keys.deal_id not in (select known.deal_id from known)
        and deal_keys.deal_id not in (select same_address.deal_id from same_address)
        and lead_keys.created_at <= deal_keys.first_seen_at
        and lead_keys.created_at >= deal_keys.first_seen_at - interval {{ var('link_window_days') }} day
    group by deal_keys.deal_id
    having count(distinct lead_keys.person_id) = 1
),

ladder as (
    select * from told
    union all by name
    select * from same_address
    union all by name
    select * from same_company
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
