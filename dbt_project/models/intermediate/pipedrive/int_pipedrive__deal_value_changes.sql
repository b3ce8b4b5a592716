with

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

changes as (
    select * from {{ ref('stg_pipedrive__deal_changes') }}
    where field in ('value', 'expected_close_date')
),

fields as (
    select unnest(['value', 'expected_close_date']) as field
),

first_changes as (
    select
        deal_id,
        field,
        arg_min(old_value, (changed_at, change_no)) as old_value,
        min(changed_at) as changed_at
    from changes
    group by deal_id, field
),

-- The flow tells what a value was before its first change; without one it is what it has always been.
values_at_creation as (
    select
        deals.deal_id,
        fields.field,
        case
            when first_changes.deal_id is not null then first_changes.old_value
            when fields.field = 'value' then cast(deals.amount as text)
            else cast(deals.expected_close_date as text)
        end as new_value,
        deals.created_at as changed_at
    from deals
    cross join fields
    left join first_changes on deals.deal_id = first_changes.deal_id and fields.field = first_changes.field
    where
        deals.created_at is not null
        and (first_changes.deal_id is null or first_changes.changed_at > deals.created_at)
),

-- Of one second the last change stands.
last_of_second as (
    select * from changes
    qualify row_number() over (partition by deal_id, field, changed_at order by change_no desc) = 1
),

told as (
    select
        deal_id,
        field,
        new_value,
        changed_at
    from values_at_creation
    where new_value is not null
    union all by name
    select
        deal_id,
        field,
        new_value,
        changed_at
    from last_of_second
)

select
    'pipedrive' as source_crm,
    deal_id,
    case field when 'value' then 'amount' else 'expected_close' end as field,
    case when field = 'value' then {{ try_cast('new_value', 'decimal(18, 2)') }} end as amount,
    case
        when field = 'expected_close_date'
            then {{ local_midnight(try_cast('substr(new_value, 1, 10)', 'date')) }}
    end as expected_close_at,
    changed_at
from told
