{{ config(materialized='table') }}

-- What was known of a deal from one change to the next: its stage, amount, expected close and owner, and whether it was
-- still open. Everything that asks how the pipeline stood on a day reads these rows.
with

deals as (
    select * from {{ ref('int_deals') }}
    where first_seen_at is not null
),

stage_intervals as (
    select * from {{ ref('int_deal_stage_intervals') }}
),

value_changes as (
    select * from {{ ref('int_crm__deal_value_changes') }}
    where changed_at <= {{ as_of() }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'deal'
),

-- A change stamped before the deal was made (an import with a date of its own) was there when it was made.
moments as (
    select
        deal_id,
        first_seen_at as changed_at
    from deals
    union
    select
        deal_id,
        closed_at as changed_at
    from deals
    where closed_at is not null
    union
    select
        deals.deal_id,
        greatest(stage_intervals.entered_at, deals.first_seen_at) as changed_at
    from stage_intervals
    inner join deals on stage_intervals.deal_id = deals.deal_id
    union
    select
        deals.deal_id,
        greatest(value_changes.changed_at, deals.first_seen_at) as changed_at
    from value_changes
    inner join deals on value_changes.deal_id = deals.deal_id
    union
    select
        deals.deal_id,
        greatest(owner_intervals.valid_from, deals.first_seen_at) as changed_at
    from owner_intervals
    inner join deals on owner_intervals.owned_id = deals.deal_id
),

-- Of several values stamped with one instant the last one stands.
amounts as (
    select
        deal_id,
        changed_at,
        max(amount) as amount
    from value_changes
    where field = 'amount'
    group by deal_id, changed_at
),

close_dates as (
    select
        deal_id,
        changed_at,
        max(expected_close_at) as expected_close_at
    from value_changes
    where field = 'expected_close'
    group by deal_id, changed_at
),

first_stages as (
    select * from stage_intervals
    where visit_no = 1
),

states as (
    select
        deals.deal_id,
        deals.source_crm,
        coalesce(owner_intervals.rep_id, 'unassigned') as rep_id,
        coalesce(stage_intervals.pipeline_id, first_stages.pipeline_id, deals.pipeline_id) as pipeline_id,
        coalesce(stage_intervals.stage_id, first_stages.stage_id, deals.stage_id) as stage_id,
        -- A closed stage that was left again was no end; the end is the one the deal has now.
        case
            when moments.changed_at >= deals.closed_at then deals.status
            when stage_intervals.exited_at is null or not stage_intervals.is_closed then 'open'
            when stage_intervals.is_won then 'won'
            else 'lost'
        end as status,
        deals.currency_code,
        amounts.amount,
        stage_intervals.entered_at as stage_entered_at,
        close_dates.expected_close_at,
        moments.changed_at as state_from,
        lead(moments.changed_at) over (partition by deals.deal_id order by moments.changed_at) as state_to,
        row_number() over (partition by deals.deal_id order by moments.changed_at) as state_no
    from moments
    inner join deals on moments.deal_id = deals.deal_id
    left join first_stages on moments.deal_id = first_stages.deal_id
    asof left join stage_intervals
        on moments.deal_id = stage_intervals.deal_id and moments.changed_at >= stage_intervals.entered_at
    asof left join amounts
        on moments.deal_id = amounts.deal_id and moments.changed_at >= amounts.changed_at
    asof left join close_dates
        on moments.deal_id = close_dates.deal_id and moments.changed_at >= close_dates.changed_at
    asof left join owner_intervals
        on moments.deal_id = owner_intervals.owned_id and moments.changed_at >= owner_intervals.valid_from
    where moments.changed_at <= {{ as_of() }}
)

select * from states
