with

persons as (
    select * from {{ ref('stg_pipedrive__persons') }}
),

leads as (
    select * from {{ ref('stg_pipedrive__leads') }}
),

leads_history as (
    select * from {{ ref('stg_pipedrive__leads_history') }}
    where field = 'person_id'
),

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

changes as (
    select * from {{ ref('stg_pipedrive__deal_changes') }}
    where field = 'person_id'
),

-- Pipedrive tells nobody of a merge: the loser is gone, and what was its own hangs on another person now.
moves as (
    select
        {{ source_key('pipedrive', 'leads_history.seen_value') }} as source_id,
        leads.person_id as into_id
    from leads_history
    inner join leads on leads_history.lead_id = leads.lead_id
    union
    select
        leads.person_id as source_id,
        deals.person_id as into_id
    from deals
    inner join leads on deals.source_lead_id = leads.lead_id
    union
    select
        {{ source_key('pipedrive', 'old_value') }} as source_id,
        {{ source_key('pipedrive', 'new_value') }} as into_id
    from changes
)

-- A person who is still there was not merged: somebody put a lead or a deal under another name.
select
    'pipedrive' as source_crm,
    moves.source_id,
    moves.into_id,
    persons.deleted_at as merged_at
from moves
inner join persons on moves.source_id = persons.person_id
where persons.is_deleted and moves.into_id is not null and moves.into_id <> moves.source_id
qualify row_number() over (partition by moves.source_id order by moves.into_id) = 1
