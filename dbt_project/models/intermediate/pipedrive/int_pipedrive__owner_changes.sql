with

leads as (
    select * from {{ ref('stg_pipedrive__leads') }}
),

leads_history as (
    select * from {{ ref('stg_pipedrive__leads_history') }}
    where field = 'owner_id'
),

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

changes as (
    select * from {{ ref('stg_pipedrive__deal_changes') }}
    where field in ('user_id', 'owner_id')
),

records as (
    select * from {{ ref('int_pipedrive__lead_records') }}
),

first_owners as (
    select
        deal_id,
        arg_min(old_value, (changed_at, change_no)) as owner_value
    from changes
    group by deal_id
),

deal_owners as (
    select
        deals.deal_id,
        coalesce({{ source_key('pipedrive', 'first_owners.owner_value') }}, deals.owner_id) as owner_id,
        deals.created_at as changed_at
    from deals
    left join first_owners on deals.deal_id = first_owners.deal_id
    union all by name
    select
        deal_id,
        {{ source_key('pipedrive', 'new_value') }} as owner_id,
        changed_at
    from changes
),

-- The owner a lead had when a night first saw it is taken to have had it from the start.
lead_owners as (
    select
        leads_history.lead_id,
        {{ source_key('pipedrive', 'leads_history.seen_value') }} as owner_id,
        case
            when row_number() over (partition by leads_history.lead_id order by leads_history.seen_at) = 1
                then least(leads.created_at, leads_history.seen_at)
            else leads_history.seen_at
        end as changed_at
    from leads_history
    inner join leads on leads_history.lead_id = leads.lead_id
)

select
    'pipedrive' as source_crm,
    'lead' as record_kind,
    lead_id as record_id,
    owner_id,
    changed_at
from lead_owners
union all by name
select
    'pipedrive' as source_crm,
    'deal' as record_kind,
    deal_id as record_id,
    owner_id,
    changed_at
from deal_owners
where owner_id is not null and changed_at is not null
-- A deal that plays the lead has the lead's owners.
union all by name
select
    'pipedrive' as source_crm,
    'lead' as record_kind,
    records.lead_id as record_id,
    deal_owners.owner_id,
    deal_owners.changed_at
from deal_owners
inner join deals on deal_owners.deal_id = deals.deal_id
inner join records on deals.own_lead_id = records.lead_id
where deal_owners.owner_id is not null and deal_owners.changed_at is not null
