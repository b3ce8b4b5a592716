with

int_months as (
    select * from {{ ref('int_months') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

int_deal_outcomes as (
    select * from {{ ref('int_deal_outcomes') }}
),

int_speed_estimates as (
    select * from {{ ref('int_speed_estimates') }}
),

int_sales_cycles as (
    select * from {{ ref('int_sales_cycles') }}
    where clock = 'created'
),

qualified_cycles as (
    select * from {{ ref('int_sales_cycles') }}
    where clock = 'qualified'
),

int_sales_velocity as (
    select * from {{ ref('int_sales_velocity') }}
),

int_role_capacity as (
    select * from {{ ref('int_role_capacity') }}
    where role = 'closer'
),

int_conversion_estimates as (
    select * from {{ ref('int_conversion_estimates') }}
),

recorded as (
    select
        coalesce(bool_or(has_qualification), false) as has_qualification,
        coalesce(bool_or(has_qualification and has_won_deals), false) as has_closing,
        coalesce(bool_or(has_qualification and has_speed), false) as has_speed,
        coalesce(bool_or(has_losses), false) as has_losses,
        coalesce(bool_or(has_losses and has_deal_dates), false) as has_cycles
    from int_source_capabilities
),

sliced_handovers as (
    select
        *,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_handover_outcomes
),

handovers as (
    select
        qualified_month as month,
        slice_type,
        slice_value,
        count(*) as received_count,
        count(case when has_won_deals then 1 end) as cohort_count,
        count(case when has_won_deals and is_old_enough then 1 end) as old_enough_count,
        count(case when has_won_deals and is_old_enough and is_customer_in_window then 1 end) as customer_count,
        count(case when is_pair_known then 1 end) as pair_count,
        count(case when is_pair_known and is_self_handover then 1 end) as self_count,
        count(case when is_due_for_acceptance then 1 end) as due_for_acceptance_count,
        count(case when is_due_for_acceptance and is_accepted then 1 end) as accepted_count,
        count(case when won_deal_count > 0 then 1 end) as won_lead_count,
        sum(won_deal_count) as won_lead_deal_count,
        count(case when has_speed then 1 end) as timeable_count
    from sliced_handovers
    group by qualified_month, slice_type, slice_value
),

sliced_deals as (
    select
        *,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_deal_outcomes
),

closed as (
    select
        closed_month as month,
        slice_type,
        slice_value,
        count(case when status = 'won' then 1 end) as won_count,
        count(case when status = 'lost' then 1 end) as lost_count,
        count(case when is_eligible and has_losses then 1 end) as eligible_count,
        count(case when is_eligible and has_losses and status = 'won' then 1 end) as eligible_won_count,
        coalesce(sum(case when is_eligible and status = 'won' then amount_reporting end), 0) as won_amount,
        coalesce(sum(case when is_eligible then amount_reporting end), 0) as closed_amount,
        count(case when is_eligible and is_rate_missing then 1 end) as rate_missing_count,
        count(case when not has_losses then 1 end) as losses_missing_count
    from sliced_deals
    where closed_month is not null and status in ('won', 'lost')
    group by closed_month, slice_type, slice_value
),

-- Open at the end of a month = all created so far minus all closed so far: one running sum, no deal times month.
moves as (
    select
        slice_type,
        slice_value,
        created_month as month,
        1 as change,
        is_stalled,
        is_without_next_step,
        is_close_date_past,
        is_pushed
    from sliced_deals
    where created_month is not null
    union all by name
    select
        slice_type,
        slice_value,
        closed_month as month,
        -1 as change,
        false as is_stalled,
        false as is_without_next_step,
        false as is_close_date_past,
        false as is_pushed
    from sliced_deals
    where created_month is not null and closed_month is not null and status in ('won', 'lost')
),

moved as (
    select
        month,
        slice_type,
        slice_value,
        sum(change) as change,
        count(case when is_stalled then 1 end) as stalled_count,
        count(case when is_without_next_step then 1 end) as no_next_step_count,
        count(case when is_close_date_past then 1 end) as close_date_past_count,
        count(case when is_pushed then 1 end) as pushed_count
    from moves
    group by month, slice_type, slice_value
),

slices as (
    select
        slice_type,
        slice_value,
        min(month) as first_month
    from handovers
    group by slice_type, slice_value
    union all by name
    select
        slice_type,
        slice_value,
        min(month) as first_month
    from closed
    group by slice_type, slice_value
    union all by name
    select
        slice_type,
        slice_value,
        min(month) as first_month
    from moved
    group by slice_type, slice_value
    union all by name
    select
        'all' as slice_type,
        'all' as slice_value,
        min(month) as first_month
    from int_months
),

first_months as (
    select
        slice_type,
        slice_value,
        min(first_month) as first_month
    from slices
    group by slice_type, slice_value
),

-- A slice has a row for each month since its first event: its open deals stay open in a quiet month.
keys as (
    select
        int_months.month,
        int_months.is_complete,
        int_months.month = int_metric_scope.current_month as is_current,
        first_months.slice_type,
        first_months.slice_value
    from first_months
    inner join int_months on first_months.first_month <= int_months.month
    cross join int_metric_scope
    where first_months.slice_type <> 'rep' or int_metric_scope.has_people_metrics
),

-- Deals from before the first month of the spine are open in it too.
running as (
    select
        month,
        slice_type,
        slice_value,
        sum(change) over (
            partition by slice_type, slice_value order by month rows between unbounded preceding and current row
        ) as open_count,
        sum(stalled_count) over (
            partition by slice_type, slice_value order by month rows between unbounded preceding and current row
        ) as stalled_count,
        sum(no_next_step_count) over (
            partition by slice_type, slice_value order by month rows between unbounded preceding and current row
        ) as no_next_step_count,
        sum(close_date_past_count) over (
            partition by slice_type, slice_value order by month rows between unbounded preceding and current row
        ) as close_date_past_count,
        sum(pushed_count) over (
            partition by slice_type, slice_value order by month rows between unbounded preceding and current row
        ) as pushed_count
    from moved
),

open_deals as (
    select
        keys.month,
        keys.slice_type,
        keys.slice_value,
        running.open_count,
        running.stalled_count,
        running.no_next_step_count,
        running.close_date_past_count,
        running.pushed_count
    from keys
    asof left join running
        on
            keys.slice_type = running.slice_type
            and keys.slice_value = running.slice_value
            and keys.month >= running.month
),

-- Of the whole team and of each closer; a source of leads has no closers of its own.
capacity as (
    select
        month,
        unnest(['all', 'rep']) as slice_type,
        unnest(['all', rep_id]) as slice_value,
        fte
    from int_role_capacity
),

capacities as (
    select
        month,
        slice_type,
        slice_value,
        sum(fte) as fte
    from capacity
    group by month, slice_type, slice_value
),

recorded_steps as (
    select coalesce(bool_or(has_next_steps), false) as has_next_steps
    from int_deal_outcomes
),

filled as (
    select
        keys.month,
        keys.is_complete,
        keys.is_current,
        keys.slice_type,
        keys.slice_value,
        coalesce(handovers.received_count, 0) as received_count,
        coalesce(handovers.cohort_count, 0) as cohort_count,
        coalesce(handovers.old_enough_count, 0) as old_enough_count,
        coalesce(handovers.customer_count, 0) as customer_count,
        coalesce(handovers.pair_count, 0) as pair_count,
        coalesce(handovers.self_count, 0) as self_count,
        coalesce(closed.won_count, 0) as won_count,
        coalesce(closed.lost_count, 0) as lost_count,
        coalesce(closed.eligible_count, 0) as eligible_count,
        coalesce(closed.eligible_won_count, 0) as eligible_won_count,
        coalesce(closed.won_amount, 0) as won_amount,
        coalesce(closed.closed_amount, 0) as closed_amount,
        coalesce(closed.rate_missing_count, 0) as rate_missing_count,
        coalesce(open_deals.open_count, 0) as open_count,
        coalesce(open_deals.stalled_count, 0) as stalled_count,
        coalesce(open_deals.no_next_step_count, 0) as no_next_step_count,
        coalesce(open_deals.close_date_past_count, 0) as close_date_past_count,
        coalesce(open_deals.pushed_count, 0) as pushed_count,
        capacities.fte as closer_fte,
        coalesce(handovers.due_for_acceptance_count, 0) as due_for_acceptance_count,
        coalesce(handovers.accepted_count, 0) as accepted_count,
        coalesce(handovers.won_lead_count, 0) as won_lead_count,
        coalesce(handovers.won_lead_deal_count, 0) as won_lead_deal_count,
        coalesce(int_speed_estimates.n, 0) as speed_n,
        coalesce(int_speed_estimates.answered, 0) as speed_answered,
        int_speed_estimates.median_wm,
        int_speed_estimates.p90_wm,
        coalesce(int_sales_cycles.deal_count, 0) as cycle_count,
        int_sales_cycles.median_days,
        int_sales_cycles.still_open_share,
        coalesce(qualified_cycles.deal_count, 0) as qualified_cycle_count,
        qualified_cycles.median_days as qualified_median_days,
        qualified_cycles.still_open_share as qualified_still_open_share,
        int_sales_velocity.velocity,
        int_sales_velocity.ci_low as velocity_ci_low,
        int_sales_velocity.ci_high as velocity_ci_high,
        case when keys.is_current and keys.slice_type = 'all' then int_sales_velocity.status end as velocity_status,
        recorded_steps.has_next_steps,
        {{ aj_columns('int_conversion_estimates') }},
        recorded.has_qualification,
        recorded.has_cycles,
        coalesce(nullif(handovers.received_count, 0) is null and recorded.has_closing, false)
        or coalesce(handovers.cohort_count > 0, false) as is_closing_recorded,
        coalesce(nullif(handovers.received_count, 0) is null and recorded.has_speed, false)
        or coalesce(handovers.timeable_count > 0, false) as is_speed_recorded,
        recorded.has_losses and coalesce(closed.losses_missing_count, 0) = 0
        or coalesce(closed.eligible_count > 0, false) as is_loss_recorded
    from keys
    cross join recorded
    cross join recorded_steps
    cross join int_sales_velocity
    left join handovers
        on
            keys.month = handovers.month
            and keys.slice_type = handovers.slice_type
            and keys.slice_value = handovers.slice_value
    left join closed
        on
            keys.month = closed.month
            and keys.slice_type = closed.slice_type
            and keys.slice_value = closed.slice_value
    left join open_deals
        on
            keys.month = open_deals.month
            and keys.slice_type = open_deals.slice_type
            and keys.slice_value = open_deals.slice_value
    left join capacities
        on
            keys.month = capacities.month
            and keys.slice_type = capacities.slice_type
            and keys.slice_value = capacities.slice_value
    left join int_speed_estimates
        on
            int_speed_estimates.role = 'closer'
            and int_speed_estimates.period_type = 'month'
            and keys.month = int_speed_estimates.period_start
            and keys.slice_type = int_speed_estimates.slice_type
            and keys.slice_value = int_speed_estimates.slice_value
    left join int_sales_cycles
        on
            keys.month = int_sales_cycles.month
            and keys.slice_type = int_sales_cycles.slice_type
            and keys.slice_value = int_sales_cycles.slice_value
    left join qualified_cycles
        on
            keys.month = qualified_cycles.month
            and keys.slice_type = qualified_cycles.slice_type
            and keys.slice_value = qualified_cycles.slice_value
    left join int_conversion_estimates
        on
            int_conversion_estimates.metric = 'lead_to_customer'
            and keys.month = int_conversion_estimates.month
            and keys.slice_type = int_conversion_estimates.slice_type
            and keys.slice_value = int_conversion_estimates.slice_value
),

judged as (
    select
        *,
        {{ speed_status('speed_n', 'is_speed_recorded') }} as handover_status,
        case
            when not has_cycles then 'not_measurable'
            -- With more than a fifth still open, who will be won in the end is not known yet.
            when cycle_count < {{ var('min_n_rate') }} or median_days is null or still_open_share > 0.20
                then 'insufficient'
            else 'measured'
        end as cycle_status,
        case
            when not (has_cycles and has_qualification) then 'not_measurable'
            when
                qualified_cycle_count < {{ var('min_n_rate') }}
                or qualified_median_days is null
                or qualified_still_open_share > 0.20
                then 'insufficient'
            else 'measured'
        end as qualified_cycle_status
    from filled
),

measured as (
    select
        slice_type,
        slice_value,
        month,
        is_complete,
        cast(received_count as integer) as qualified_received,
        {{ rate_columns('lead_to_customer', 'customer_count', 'old_enough_count',
            '1.0 * old_enough_count / nullif(cohort_count, 0)', 'is_closing_recorded') }},
        {{ incidence_columns('lead_to_customer_aj', 'is_closing_recorded') }},
        cast(won_count as integer) as deals_won,
        cast(lost_count as integer) as deals_lost,
        {{ rate_columns('win_rate', 'eligible_won_count', 'eligible_count', '1.0', 'is_loss_recorded') }},
        cast(won_amount as decimal(18, 2)) as won_amount,
        cast(closed_amount as decimal(18, 2)) as closed_amount,
        -- A deal without an exchange rate blocks the share in money; the share in deals stands.
        cast(
            case
                when is_loss_recorded and rate_missing_count = 0 and eligible_count >= {{ var('min_n_rate') }}
                    then cast(won_amount as double) / nullif(cast(closed_amount as double), 0)
            end as double
        ) as win_rate_value,
        cast(speed_n as bigint) as handover_n,
        cast(speed_answered as bigint) as handover_answered,
        cast(case when handover_status = 'measured' then median_wm end as double) as handover_median_wm,
        cast(case when handover_status = 'measured' then p90_wm end as double) as handover_p90_wm,
        handover_status,
        cast(cycle_count as bigint) as cycle_n,
        cast(case when cycle_status = 'measured' then median_days end as double) as cycle_median_days,
        cycle_status,
        cast(qualified_cycle_count as bigint) as qualified_cycle_n,
        cast(case when qualified_cycle_status = 'measured' then qualified_median_days end as double)
            as qualified_cycle_median_days,
        qualified_cycle_status,
        {{ rate_columns('self_handover', 'self_count', 'pair_count', '1.0', 'has_qualification') }},
        cast(open_count as integer) as open_deals,
        -- Since when a deal stands still is known now, not for months gone by.
        cast(case when is_current then stalled_count end as integer) as stalled_deals,
        cast(case when is_current and has_next_steps then no_next_step_count end as integer)
            as no_next_step_deals,
        cast(case when is_current then close_date_past_count end as integer) as close_date_in_past_deals,
        cast(case when velocity_status = 'measured' then velocity end as double) as sales_velocity,
        cast(case when velocity_status = 'measured' then velocity_ci_low end as double) as sales_velocity_ci_low,
        cast(case when velocity_status = 'measured' then velocity_ci_high end as double) as sales_velocity_ci_high,
        velocity_status as sales_velocity_status,
        {{ rate_columns('sao_rate', 'accepted_count', 'due_for_acceptance_count',
            '1.0 * due_for_acceptance_count / nullif(received_count, 0)', 'has_qualification') }},
        cast(won_lead_count as integer) as won_leads,
        cast(1.0 * won_lead_deal_count / nullif(won_lead_count, 0) as double) as deals_per_won_lead,
        cast(case when is_current then pushed_count end as integer) as pushed_deals,
        cast(closer_fte as double) as closer_fte,
        cast(open_count / nullif(closer_fte, 0) as double) as open_load
    from judged
),

compared as (
    select
        *,
        {{ publication_columns() }}
    from {{ beside_month_before('measured', ['lead_to_customer', 'win_rate']) }} as months
)

select * from compared
