{{ config(materialized='table') }}

-- What moved in the pipeline that was to close in a month, while that month ran: one walk over the states of each deal.
-- A deal is in the pipeline of a month while it is open, expected to close in that month, and the month is under way.
-- A closing counts in the month it happened; a deal that was expected in another month comes in first.
with

states as (
    select * from {{ ref('int_deal_states') }}
),

sliced as (
    select
        *,
        unnest(['all', 'rep']) as slice_type,
        unnest(['all', rep_id]) as slice_value,
        case when status = 'open' then cast(date_trunc('month', {{ local_date('expected_close_at') }}) as date) end
            as due_month
    from states
),

windowed as (
    select
        *,
        {{ local_midnight('due_month') }} as month_starts_at,
        least(
            {{ local_midnight('cast(due_month + interval 1 month as date)') }}, {{ as_of() }} + interval 1 microsecond
        ) as month_ends_at
    from sliced
),

placed as (
    select
        *,
        coalesce(
            month_starts_at <= {{ as_of() }}
            and state_from < month_ends_at
            and (state_to is null or state_to >= month_starts_at),
            false
        ) as is_inside,
        coalesce(state_from < month_starts_at, false) as is_there_at_start,
        coalesce(state_to >= month_ends_at, true) as is_there_at_end,
        cast(date_trunc('month', {{ local_date('state_from') }}) as date) as change_month
    from windowed
),

chained as (
    select
        *,
        coalesce(lag(is_inside) over same_deal, false) as was_inside,
        lag(due_month) over same_deal as previous_due_month,
        lag(slice_value) over same_deal as previous_slice_value,
        lag(status) over same_deal as previous_status,
        lag(amount) over same_deal as previous_amount,
        lead(is_inside) over same_deal as next_is_inside,
        lead(due_month) over same_deal as next_due_month,
        lead(slice_value) over same_deal as next_slice_value,
        lead(status) over same_deal as next_status
    from placed
    window same_deal as (partition by deal_id, slice_type order by state_no)
),

judged as (
    select
        *,
        case when status = 'open' then due_month else change_month end as month,
        -- Won and then lost after all, without being open between: both happened, and it came in again for the second.
        status <> 'open' and coalesce(previous_status, 'open') <> status as is_closing,
        previous_status = 'open'
        and was_inside
        and previous_slice_value = slice_value
        and previous_due_month = case when status = 'open' then due_month else change_month end as is_continued,
        coalesce(
            next_slice_value = slice_value
            and (next_status <> 'open' or (next_is_inside and next_due_month = due_month)),
            false
        ) as is_going_on
    from chained
),

starts as (
    select
        *,
        'start' as movement,
        amount as to_amount,
        cast(null as decimal(18, 2)) as from_amount
    from judged
    where is_inside and is_there_at_start
),

entries as (
    select
        *,
        case when previous_status is null then 'created' else 'pulled_in' end as movement,
        amount as to_amount,
        cast(null as decimal(18, 2)) as from_amount
    from judged
    where
        not coalesce(is_continued, false)
        and (is_closing or (is_inside and not is_there_at_start))
),

changes as (
    select
        *,
        'changed' as movement,
        amount as to_amount,
        previous_amount as from_amount
    from judged
    where
        is_continued
        and (is_closing or (is_inside and not is_there_at_start))
        and coalesce(amount, 0) <> coalesce(previous_amount, 0)
),

closings as (
    select
        *,
        status as movement,
        amount as to_amount,
        cast(null as decimal(18, 2)) as from_amount
    from judged
    where is_closing
),

exits as (
    select
        *,
        'pushed_out' as movement,
        amount as to_amount,
        cast(null as decimal(18, 2)) as from_amount
    from judged
    where is_inside and not is_there_at_end and not is_going_on
),

ends as (
    select
        *,
        'end' as movement,
        amount as to_amount,
        cast(null as decimal(18, 2)) as from_amount
    from judged
    where is_inside and is_there_at_end
),

moves as (
    select * from starts
    union all by name
    select * from entries
    union all by name
    select * from changes
    union all by name
    select * from closings
    union all by name
    select * from exits
    union all by name
    select * from ends
)

select
    deal_id,
    source_crm,
    slice_type,
    slice_value,
    month,
    movement,
    currency_code,
    from_amount,
    to_amount,
    state_from as moved_at
from moves
