with

users as (
    select * from {{ ref('stg_salesforce__users') }}
),

queues as (
    select * from {{ ref('stg_salesforce__groups') }}
)

select
    'salesforce' as source_crm,
    user_id as rep_source_id,
    coalesce(user_type, 'standard') = 'standard' as is_human,
    coalesce(is_active, true) and not is_deleted as is_active
from users
union all by name
select
    'salesforce' as source_crm,
    group_id as rep_source_id,
    false as is_human,
    not is_deleted as is_active
from queues
