with

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

responses as (
    select * from {{ ref('int_cycle_responses') }}
),

clocks as (
    select * from {{ ref('int_cycle_clocks') }}
),

cycle_owners as (
    select * from {{ ref('int_cycle_owners') }}
),

customers as (
    select * from {{ ref('int_cycle_customers') }}
),

exclusions as (
    select * from {{ ref('int_cycle_exclusions') }}
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

joined as (
    select
        cycles.*,
        responses.first_attempt_rep_id,
        responses.attempt_precision,
        responses.contact_precision,
        responses.attempts_10wd,
        responses.is_pre_touched,
        responses.first_attempt_at,
        responses.first_contact_at,
        cycle_owners.owner_at_entry_rep_id,
        cycle_owners.owner_current_rep_id,
        cycle_owners.first_owned_at,
        cycle_owners.routing_wm,
        cycle_owners.owner_wm,
        cycle_owners.owner_delay_wm,
        cycle_owners.owner_at_event_rep_id,
        case
            when cycles.qualified_at is not null
                then coalesce(
                    reps.rep_id, customers.qualified_by_rep_id, cycle_owners.owner_at_qualification_rep_id
                )
            else customers.qualified_by_rep_id
        end as qualified_by_rep_id,
        coalesce(customers.won_deal_count, 0) as won_deal_count,
        case
            when customers.cycle_id is null then cast(0 as decimal(18, 2))
            else customers.won_amount_reporting
        end as won_amount_reporting,
        customers.customer_at,
        exclusions.excluded_reason,
        clocks.attempt_minutes - clocks.entered_minutes as attempt_wm,
        clocks.contact_minutes - clocks.entered_minutes as contact_wm,
        clocks.qualified_minutes - clocks.entered_minutes as qualified_wm,
        clocks.cut_minutes - clocks.entered_minutes as waiting_wm,
        clocks.cut_days - clocks.entered_days as age_working_days,
        cycles.entered_precision = 'instant' as has_entry_instant,
        responses.first_attempt_at is not null as is_answered,
        cycles.outcome = 'open' and gone_reps.rep_id is not null as is_orphaned,
        {{ local_date('cycles.entered_at') }} as entered_local_date,
        coalesce(cycles.qualified_at, customers.customer_at) as converted_at
    from cycles
    inner join responses on cycles.cycle_id = responses.cycle_id
    inner join clocks on cycles.cycle_id = clocks.cycle_id
    inner join cycle_owners on cycles.cycle_id = cycle_owners.cycle_id
    left join customers on cycles.cycle_id = customers.cycle_id
    left join exclusions on cycles.cycle_id = exclusions.cycle_id
    left join reps on cycles.qualified_by_source_id = reps.rep_source_id
    left join gone_reps on cycle_owners.owner_current_rep_id = gone_reps.rep_id
),

flagged as (
    select
        *,
        has_entry_instant and coalesce(attempt_precision = 'instant', false) as has_attempt_instant,
        has_entry_instant and coalesce(attempt_precision = 'instant', true) as has_clock,
        coalesce(
            qualified_at < entered_at
            or (customer_at < entered_at and {{ local_date('customer_at') }} < entered_local_date),
            false
        ) as is_impossible_order,
        converted_at is not null and not is_answered and first_contact_at is null as is_unlogged
    from joined
),

-- The clock starts at the buyer's signal and stops at anybody's first attempt. Nobody's attempt: it runs on
-- to the cut, also when the lead was closed meanwhile.
timed as (
    select
        *,
        case when has_attempt_instant then case when is_pre_touched then 0 else attempt_wm end end as ttfa_wm,
        case
            when has_attempt_instant
                then case
                    when is_pre_touched then 0
                    else (epoch(first_attempt_at) - epoch(entered_at)) / 60
                end
        end as ttfa_cm,
        case when has_entry_instant and contact_precision = 'instant' then contact_wm end as ttfc_wm,
        case
            when has_entry_instant and qualified_precision = 'instant' and qualified_at >= entered_at
                then qualified_wm
        end as ttfq_wm
    from flagged
)

select
    cycle_id,
    person_id,
    lead_id,
    source_crm,
    cast(cycle_no as integer) as cycle_no,
    motion_first,
    is_hybrid,
    source,
    entry_kind,
    entered_at,
    entered_local_date,
    cast(date_trunc('month', entered_local_date) as date) as entered_month,
    entered_precision,
    closed_at,
    outcome,
    disq_reason,
    qualified_at,
    cast(date_trunc('month', {{ local_date('qualified_at') }}) as date) as qualified_month,
    qualified_by_rep_id,
    owner_at_entry_rep_id as owner_at_entry,
    owner_at_event_rep_id as owner_at_event,
    owner_current_rep_id as owner_current,
    first_owned_at,
    first_attempt_at,
    first_attempt_rep_id,
    first_contact_at,
    customer_at,
    cast(won_deal_count as integer) as won_deal_count,
    won_amount_reporting,
    excluded_reason,
    cast(ttfa_wm as {{ double() }}) as ttfa_wm,
    cast(ttfa_cm as {{ double() }}) as ttfa_cm,
    cast(ttfc_wm as {{ double() }}) as ttfc_wm,
    cast(ttfq_wm as {{ double() }}) as ttfq_wm,
    cast(case when has_clock then routing_wm end as {{ double() }}) as routing_wm,
    cast(case when has_clock then owner_wm end as {{ double() }}) as owner_wm,
    cast(case when has_clock then owner_delay_wm end as {{ double() }}) as owner_delay_wm,
    cast(case when has_clock then coalesce(ttfa_wm, waiting_wm) end as {{ double() }}) as speed_time_wm,
    ttfa_wm is not null as is_speed_event,
    has_clock
    and excluded_reason is null
    and not is_bulk_import
    and not is_unlogged
    and not is_impossible_order as is_speed_eligible,
    attempts_10wd,
    cast((epoch({{ as_of() }}) - epoch(entered_at)) / 86400 as {{ double() }}) as age_days,
    cast(age_working_days as {{ double() }}) as age_working_days,
    is_answered,
    is_pre_touched,
    is_unlogged,
    is_bulk_import,
    is_impossible_order,
    is_orphaned,
    {{ publication_columns() }}
from timed
