with

deals as (
    select * from {{ ref('int_deals') }}
),

deal_links as (
    select * from {{ ref('int_deal_links') }}
),

amounts as (
    select * from {{ ref('int_deal_amounts') }}
),

handovers as (
    select * from {{ ref('int_handovers') }}
),

stage_intervals as (
    select * from {{ ref('int_deal_stage_intervals') }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'deal'
),

touch_serves as (
    select * from {{ ref('int_touch_serves') }}
),

current_states as (
    select * from {{ ref('int_deal_states') }}
    where state_to is null
),

reps as (
    select * from {{ ref('int_reps') }}
    where is_human
),

-- One person with two logins is there as long as one of them is.
gone_reps as (
    select rep_id
    from reps
    group by rep_id
    having not bool_or(is_active)
),

current_stages as (
    select * from stage_intervals
    where exited_at is null
),

acceptances as (
    select
        deal_id,
        bool_or(is_accepted) as is_accepted
    from stage_intervals
    group by deal_id
),

touched as (
    select
        deal_id,
        max(completed_at) as last_touch_at
    from touch_serves
    where deal_id is not null and is_touch
    group by deal_id
),

-- What is planned after the cut is a next step; the CRM's own field for one is not asked for.
next_steps as (
    select
        deal_id,
        min(completed_at) as next_step_at
    from touch_serves
    where deal_id is not null and completed_at > {{ as_of() }}
    group by deal_id
),

owners_at_close as (
    select
        deals.deal_id,
        owner_intervals.rep_id
    from deals
    asof inner join owner_intervals
        on deals.deal_id = owner_intervals.owned_id and deals.closed_at >= owner_intervals.valid_from
    where deals.closed_at is not null
),

owners_now as (
    select
        owned_id as deal_id,
        rep_id
    from owner_intervals
    where valid_to is null
),

joined as (
    select
        deals.*,
        deal_links.person_id,
        deal_links.cycle_id,
        deal_links.link_method,
        deal_links.link_confidence,
        coalesce(qualifier.rep_id, handovers.qualifier_rep_id) as sourcer_rep_id,
        case when deals.closed_at is not null then coalesce(closer.rep_id, owners_at_close.rep_id) end
            as owner_at_close_rep_id,
        owners_now.rep_id as owner_current_rep_id,
        deals.status = 'open' and gone_reps.rep_id is not null as is_orphaned,
        coalesce(current_stages.stage_label, deals.stage_id) as stage_label,
        amounts.fx_rate,
        amounts.fx_date,
        amounts.amount_reporting,
        coalesce(current_stages.entered_at, deals.stage_entered_at) as current_stage_entered_at,
        touched.last_touch_at,
        next_steps.next_step_at,
        {{ local_date('current_states.expected_close_at') }} as expected_close_date,
        case
            when deals.status = 'open' then 'open'
            when not deals.is_new_business then 'not_new_business'
            when deals.amount <= 0 then 'amount_not_positive'
            when deals.status = 'lost' and {{ is_duplicate_reason('deals.lost_reason') }}
                then 'duplicate_merged_or_test'
            when deals.status = 'lost' and not coalesce(acceptances.is_accepted, true) then 'not_accepted'
        end as ineligible_reason
    from deals
    inner join deal_links on deals.deal_id = deal_links.deal_id
    inner join amounts on deals.deal_id = amounts.deal_id
    left join handovers on deal_links.cycle_id = handovers.cycle_id
    left join current_stages on deals.deal_id = current_stages.deal_id
    left join acceptances on deals.deal_id = acceptances.deal_id
    left join touched on deals.deal_id = touched.deal_id
    left join next_steps on deals.deal_id = next_steps.deal_id
    left join current_states on deals.deal_id = current_states.deal_id
    left join owners_at_close on deals.deal_id = owners_at_close.deal_id
    left join owners_now on deals.deal_id = owners_now.deal_id
    left join gone_reps on owners_now.rep_id = gone_reps.rep_id
    left join reps as qualifier on deals.qualified_by_id = qualifier.rep_source_id
    left join reps as closer on deals.closed_by_id = closer.rep_source_id
)

select
    deal_id,
    source_crm,
    person_id,
    cycle_id,
    link_method,
    link_confidence,
    sourcer_rep_id,
    owner_at_close_rep_id,
    owner_current_rep_id,
    pipeline_id,
    stage_id,
    stage_label,
    status,
    created_at,
    won_at,
    lost_at,
    cast(date_trunc('month', {{ local_date('closed_at') }}) as date) as closed_month,
    lost_reason,
    cast(amount as decimal(18, 2)) as amount_original,
    currency_code,
    fx_rate,
    fx_date,
    amount_reporting,
    ineligible_reason is null as is_eligible_win_rate,
    ineligible_reason,
    current_stage_entered_at as stage_entered_at,
    cast(push_count as integer) as push_count,
    last_touch_at,
    next_step_at,
    expected_close_date,
    is_new_business,
    is_orphaned,
    {{ publication_columns() }}
from joined
