with

history as (
    select * from {{ ref('stg_hubspot__deals_history') }}
),

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

changes as (
    select
        deal_id,
        case field when 'amount' then 'amount' else 'expected_close' end as field,
        case when field = 'amount' then {{ try_cast('new_value', 'decimal(18, 2)') }} end as amount,
        case when field = 'closedate' then {{ hubspot_instant('new_value') }} end as expected_close_at,
        changed_at
    from history
    where field in ('amount', 'closedate')
),

fields as (
    select unnest(['amount', 'expected_close']) as field
),

-- A value without history has been there since the deal was made.
untouched as (
    select
        deals.deal_id,
        fields.field,
        case when fields.field = 'amount' then deals.amount end as amount,
        case when fields.field = 'expected_close' then deals.expected_close_at end as expected_close_at,
        deals.created_at as changed_at
    from deals
    cross join fields
    left join changes on deals.deal_id = changes.deal_id and fields.field = changes.field
    where
        changes.deal_id is null
        and deals.created_at is not null
        and case fields.field when 'amount' then deals.amount is not null else deals.expected_close_at is not null end
)

select
    'hubspot' as source_crm,
    changes.*
from changes
union all by name
select
    'hubspot' as source_crm,
    untouched.*
from untouched
