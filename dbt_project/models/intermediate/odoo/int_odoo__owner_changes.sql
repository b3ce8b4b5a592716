with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

changes as (
    select * from {{ ref('int_odoo__tracked_changes') }}
    where field = 'user_id'
),

first_changes as (
    select * from changes
    qualify row_number() over (partition by lead_id order by changed_at, tracking_value_no) = 1
),

-- Nothing tells the first owner but the first change, which says whom it was taken from.
owners as (
    select
        leads.lead_id,
        case
            when first_changes.lead_id is null then leads.owner_id
            when first_changes.old_value_integer > 0 then 'odoo:' || first_changes.old_value_integer
        end as owner_id,
        leads.created_at as changed_at,
        0 as change_no
    from leads
    left join first_changes on leads.lead_id = first_changes.lead_id
    where leads.created_at is not null
    union all by name
    select
        lead_id,
        case when new_value_integer > 0 then 'odoo:' || new_value_integer end as owner_id,
        changed_at,
        tracking_value_no as change_no
    from changes
),

last_of_instant as (
    select * from owners
    qualify row_number() over (partition by lead_id, changed_at order by change_no desc) = 1
),

-- A deal begins with the owner that the lead had when it became one.
of_deals as (
    select
        last_of_instant.lead_id,
        last_of_instant.owner_id,
        greatest(last_of_instant.changed_at, lives.became_deal_at) as changed_at
    from last_of_instant
    inner join lives on last_of_instant.lead_id = lives.lead_id
    where lives.became_deal_at is not null
    qualify
        row_number() over (
            partition by last_of_instant.lead_id, greatest(last_of_instant.changed_at, lives.became_deal_at)
            order by last_of_instant.changed_at desc
        ) = 1
)

-- A form of somebody who is known makes a lead that nobody has; it takes the person from nobody.
select
    'odoo' as source_crm,
    'lead' as record_kind,
    last_of_instant.lead_id as record_id,
    last_of_instant.owner_id,
    last_of_instant.changed_at
from last_of_instant
inner join lives on last_of_instant.lead_id = lives.lead_id
where
    lives.is_lead
    and (
        last_of_instant.change_no > 0
        or last_of_instant.owner_id is not null
        or lives.is_first_of_person
    )
union all by name
select
    'odoo' as source_crm,
    'deal' as record_kind,
    lead_id as record_id,
    owner_id,
    changed_at
from of_deals
