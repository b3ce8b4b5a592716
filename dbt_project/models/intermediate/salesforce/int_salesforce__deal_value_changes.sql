with

history as (
    select * from {{ ref('stg_salesforce__opportunity_history') }}
),

deals as (
    select * from {{ ref('stg_salesforce__opportunities') }}
),

-- An entry has all values, also those that did not change; of one second the last entry stands.
entries as (
    select * from history
    qualify row_number() over (partition by deal_id, changed_at order by history_id desc) = 1
),

compared as (
    select
        deal_id,
        amount,
        close_date,
        changed_at,
        lag(amount) over (partition by deal_id order by changed_at) as previous_amount,
        lag(close_date) over (partition by deal_id order by changed_at) as previous_close_date
    from entries
),

-- An opportunity without history has had its values since it was made.
untouched as (
    select *
    from deals
    where created_at is not null and deal_id not in (select entries.deal_id from entries)
),

changes as (
    select
        deal_id,
        'amount' as field,
        amount,
        cast(null as timestamptz) as expected_close_at,
        changed_at
    from compared
    where amount is distinct from previous_amount
    union all by name
    select
        deal_id,
        'expected_close' as field,
        cast(null as decimal(18, 2)) as amount,
        {{ local_midnight('close_date') }} as expected_close_at,
        changed_at
    from compared
    where close_date is distinct from previous_close_date
    union all by name
    select
        deal_id,
        'amount' as field,
        amount,
        cast(null as timestamptz) as expected_close_at,
        created_at as changed_at
    from untouched
    where amount is not null
    union all by name
    select
        deal_id,
        'expected_close' as field,
        cast(null as decimal(18, 2)) as amount,
        {{ local_midnight('close_date') }} as expected_close_at,
        created_at as changed_at
    from untouched
    where close_date is not null
)

select
    'salesforce' as source_crm,
    changes.*
from changes
