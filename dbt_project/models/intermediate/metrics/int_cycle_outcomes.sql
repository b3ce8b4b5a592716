{{ config(materialized='table') }}

with

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_cycle_losses as (
    select * from {{ ref('int_cycle_losses') }}
),

-- Inbound is dated by the buyer's signal, outbound by the first touch: an imported name nobody has
-- approached is not a prospect yet.
dated as (
    select
        *,
        case
            when motion_first = 'outbound' and first_attempt_at is not null then first_attempt_at
            else entered_at
        end as cohort_at,
        -- Whoever is approached again after a long silence is no new prospect: mart_outbound_month counts them apart.
        case
            when motion_first = 'outbound'
                then
                    (first_attempt_at is not null or entry_kind = 'outbound_touch')
                    and not coalesce(cycle_no > 1, false)
            else true
        end as is_started,
        -- Bare dates of a whole day always look like one import, so only instants can show one.
        motion_first = 'inbound' and is_bulk_import and entered_precision = 'instant' as is_bulk_inbound
    from fct_lead_cycle
    where entered_at <= {{ as_of() }}
),

windowed as (
    select
        *,
        cast(date_trunc('month', timezone('{{ var("timezone") }}', cohort_at)) as date) as cohort_month,
        case when outcome in ('disqualified', 'expired') then closed_at end as unqualified_at,
        to_days(
            cast(case
                when motion_first = 'outbound' then {{ var('w_outbound_days') }}
                else {{ var('w_inbound_days') }}
            end as integer)
        ) as window_length
    from dated
),

outcomes as (
    select
        windowed.cycle_id,
        windowed.person_id,
        windowed.source_crm,
        windowed.motion_first as motion,
        coalesce(windowed.source, 'unknown') as source,
        coalesce(
            case
                when windowed.motion_first = 'outbound' then windowed.first_attempt_rep_id
                else windowed.owner_at_entry
            end,
            'unassigned'
        ) as rep_id,
        windowed.entered_month,
        case
            when windowed.motion_first = 'inbound' then windowed.entered_month
            else windowed.cohort_month
        end as cohort_month,
        {% for event, instant in [('attempted', 'first_attempt_at'), ('contacted', 'first_contact_at'),
            ('qualified', 'qualified_at'), ('customer', 'customer_at')] -%}
            cast(date_trunc('month', timezone('{{ var("timezone") }}', windowed.{{ instant }})) as date)
                as {{ event }}_month,
        {% endfor -%}
        windowed.speed_time_wm,
        -- Calendar minutes until the first attempt or the cut, where the working clock runs too.
        case
            when windowed.speed_time_wm is not null
                then coalesce(windowed.ttfa_cm, (epoch({{ as_of() }}) - epoch(windowed.entered_at)) / 60.0)
        end as speed_time_cm,
        windowed.attempts_10wd,
        windowed.age_working_days,
        {{ days_between(
            'windowed.cohort_at', 'coalesce(windowed.qualified_at, windowed.unqualified_at, ' ~ as_of() ~ ')'
        ) }} as qualified_days,
        {{ days_between(
            'windowed.cohort_at', 'coalesce(windowed.customer_at, windowed.unqualified_at, int_cycle_losses.lost_at, '
            ~ as_of() ~ ')'
        ) }} as customer_days,
        windowed.excluded_reason is null and windowed.is_started and not windowed.is_bulk_inbound as is_counted,
        windowed.excluded_reason is null and not windowed.is_bulk_inbound as is_in_funnel,
        windowed.cohort_at + windowed.window_length <= {{ as_of() }} as is_old_enough,
        windowed.entered_at + to_days({{ var('w_close_days') }}) <= {{ as_of() }} as is_old_enough_to_close,
        coalesce(windowed.qualified_at <= windowed.cohort_at + windowed.window_length, false) as is_qualified_in_window,
        windowed.qualified_at is not null as is_qualified,
        windowed.customer_at is not null as is_customer,
        windowed.unqualified_at is not null as is_closed_unqualified,
        windowed.customer_at is null and coalesce(windowed.unqualified_at, int_cycle_losses.lost_at) is not null
            as is_lost,
        windowed.first_attempt_at is not null as is_attempted,
        windowed.first_contact_at is not null as is_contacted,
        windowed.is_unlogged,
        windowed.is_speed_event,
        windowed.is_speed_eligible and windowed.speed_time_wm is not null as is_speed_eligible,
        windowed.age_working_days >= {{ var('never_answered_working_days') }} as is_due,
        coalesce(int_source_capabilities.has_qualification, false) as has_qualification,
        coalesce(int_source_capabilities.has_won_deals, false) as has_won_deals,
        coalesce(int_source_capabilities.has_touches, false) as has_touches,
        coalesce(int_source_capabilities.has_speed, false) as has_speed,
        coalesce(int_source_capabilities.has_lead_speed, false) as has_lead_speed
    from windowed
    left join int_source_capabilities on windowed.source_crm = int_source_capabilities.source_crm
    left join int_cycle_losses on windowed.cycle_id = int_cycle_losses.cycle_id
)

select * from outcomes
