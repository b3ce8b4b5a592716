with

users as (
    select * from {{ ref('stg_pipedrive__users') }}
),

queue_owners as (
    select * from {{ ref('stg_config__queue_owners') }}
    where source_crm = 'pipedrive'
)

-- Every record needs an owner, so a company without somebody for it makes a user that is nobody.
select
    'pipedrive' as source_crm,
    users.user_id as rep_source_id,
    queue_owners.owner_id is null as is_human,
    coalesce(users.is_active, true) and not users.is_deleted as is_active
from users
left join queue_owners on users.user_id = queue_owners.owner_id
