with

associations as (
    select * from {{ ref('stg_hubspot__associations') }}
),

kinds as (
    select
        case split_part(association_type, '_', 1)
            when 'calls' then 'call'
            when 'emails' then 'email'
            when 'meetings' then 'meeting'
            when 'tasks' then 'task'
            when 'communications' then 'message'
        end as kind,
        split_part(association_type, '_', 2) as to_object,
        from_id,
        to_id
    from associations
    where split_part(association_type, '_', 1) in ('calls', 'emails', 'meetings', 'tasks', 'communications')
)

select distinct
    'hubspot' as source_crm,
    {{ hubspot_typed_id('kind', 'from_id') }} as activity_id,
    case when to_object = 'contacts' then to_id end as lead_id,
    case when to_object = 'deals' then to_id end as deal_id
from kinds
