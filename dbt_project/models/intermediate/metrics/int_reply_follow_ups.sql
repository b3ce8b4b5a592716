{{ config(materialized='table') }}

-- Outbound speed: from a prospect's written reply to our next human attempt, in working minutes.
-- A second reply before we answer does not start a second clock.
with

int_touch_work as (
    select * from {{ ref('int_touch_work') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
    where calendar = 'company'
),

exchanges as (
    select
        int_touch_work.touch_id,
        int_touch_work.cycle_id,
        int_touch_work.at_utc,
        int_touch_work.is_human_attempt as is_ours,
        lag(int_touch_work.is_human_attempt) over (
            partition by int_touch_work.cycle_id order by int_touch_work.at_utc, int_touch_work.touch_id
        ) as is_previous_ours,
        min(case when int_touch_work.is_human_attempt then int_touch_work.at_utc end) over (
            partition by int_touch_work.cycle_id
            order by int_touch_work.at_utc, int_touch_work.touch_id
            rows between 1 following and unbounded following
        ) as next_attempt_at
    from int_touch_work
    inner join int_cycle_outcomes on int_touch_work.cycle_id = int_cycle_outcomes.cycle_id
    where
        int_cycle_outcomes.motion = 'outbound'
        and int_cycle_outcomes.is_counted
        and int_cycle_outcomes.has_touches
        and int_touch_work.precision = 'instant'
        and int_touch_work.serves = 'outbound'
        and (
            int_touch_work.is_human_attempt
            or (
                int_touch_work.direction = 'in'
                and int_touch_work.actor <> 'automated'
                and int_touch_work.result = 'contact'
                and int_touch_work.kind in ('email', 'message', 'linkedin')
            )
        )
),

-- Qualifying the prospect is an answer too, logged or not.
replies as (
    select
        exchanges.touch_id,
        exchanges.cycle_id,
        exchanges.at_utc as replied_at,
        least(exchanges.next_attempt_at, case
            when fct_lead_cycle.qualified_at >= exchanges.at_utc then fct_lead_cycle.qualified_at
        end) as answered_at
    from exchanges
    inner join fct_lead_cycle on exchanges.cycle_id = fct_lead_cycle.cycle_id
    where not exchanges.is_ours and coalesce(exchanges.is_previous_ours, true)
),

ends as (
    select
        *,
        coalesce(answered_at, {{ as_of() }}) as ended_at
    from replies
),

started as (
    select
        ends.*,
        coalesce(int_working_intervals.cum_minutes_before, 0.0) + coalesce(greatest(0.0, least(
            epoch(ends.replied_at) - epoch(int_working_intervals.start_utc),
            epoch(int_working_intervals.end_utc) - epoch(int_working_intervals.start_utc)
        )) / 60.0, 0.0) as minutes_at_start
    from ends
    asof left join int_working_intervals on ends.replied_at >= int_working_intervals.start_utc
),

clocked as (
    select
        started.*,
        coalesce(int_working_intervals.cum_minutes_before, 0.0) + coalesce(greatest(0.0, least(
            epoch(started.ended_at) - epoch(int_working_intervals.start_utc),
            epoch(int_working_intervals.end_utc) - epoch(int_working_intervals.start_utc)
        )) / 60.0, 0.0) as minutes_at_end
    from started
    asof left join int_working_intervals on started.ended_at >= int_working_intervals.start_utc
),

follow_ups as (
    select
        clocked.touch_id,
        clocked.cycle_id,
        int_cycle_outcomes.source,
        int_cycle_outcomes.rep_id,
        int_cycle_outcomes.source_crm,
        clocked.replied_at,
        cast(date_trunc('month', timezone('{{ var("timezone") }}', clocked.replied_at)) as date) as month,
        greatest(0.0, clocked.minutes_at_end - clocked.minutes_at_start) as speed_time_wm,
        clocked.answered_at is not null as is_speed_event,
        int_cycle_outcomes.has_speed
    from clocked
    inner join int_cycle_outcomes on clocked.cycle_id = int_cycle_outcomes.cycle_id
)

select * from follow_ups
