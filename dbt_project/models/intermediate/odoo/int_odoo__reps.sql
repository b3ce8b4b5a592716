with

users as (
    select * from {{ ref('stg_odoo__users') }}
),

queue_owners as (
    select * from {{ ref('stg_config__queue_owners') }}
    where source_crm = 'odoo'
)

-- The first user of every database is OdooBot.
select
    'odoo' as source_crm,
    users.user_id as rep_source_id,
    users.user_id <> 'odoo:1' and queue_owners.owner_id is null as is_human,
    coalesce(users.is_active, false) and not users.is_deleted as is_active
from users
left join queue_owners on users.user_id = queue_owners.owner_id
