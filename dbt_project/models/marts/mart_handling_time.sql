with

int_months as (
    select * from {{ ref('int_months') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

fct_touch as (
    select * from {{ ref('fct_touch') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

dim_threshold_rule as (
    select * from {{ ref('dim_threshold_rule') }}
),

per_lead as (
    select threshold as hours_week_per_lead
    from dim_threshold_rule
    where rule_id = 'R1'
),

-- Calls and held meetings until the lead is qualified: after that it is the closer's work. Who logs more than a working
-- day for one talk made a mistake, and a lower bound may not rest on it.
talks as (
    select
        fct_touch.cycle_id,
        count(*) as talk_count,
        count(case when fct_touch.duration_seconds > 0 and fct_touch.duration_seconds <= 28800 then 1 end)
            as timed_count,
        sum(
            case
                when fct_touch.duration_seconds > 0 and fct_touch.duration_seconds <= 28800
                    then fct_touch.duration_seconds
            end
        ) as duration_seconds
    from fct_touch
    inner join fct_lead_cycle on fct_touch.cycle_id = fct_lead_cycle.cycle_id
    where
        fct_touch.kind in ('call', 'meeting')
        and fct_touch.result in ('attempt', 'contact')
        and fct_lead_cycle.motion_first = 'inbound'
        and fct_touch.at_utc <= coalesce(fct_lead_cycle.qualified_at, {{ as_of() }})
    group by fct_touch.cycle_id
),

counted as (
    select
        int_cycle_outcomes.cohort_month as month,
        count(*) as lead_count,
        count(case when talks.timed_count > 0 then 1 end) as timed_lead_count,
        sum(coalesce(talks.talk_count, 0)) as talk_count,
        sum(coalesce(talks.timed_count, 0)) as timed_count,
        sum(cast(coalesce(talks.duration_seconds, 0) as decimal(18, 3))) / 60.0 as minutes_logged
    from int_cycle_outcomes
    left join talks on int_cycle_outcomes.cycle_id = talks.cycle_id
    where int_cycle_outcomes.motion = 'inbound' and int_cycle_outcomes.is_counted
    group by int_cycle_outcomes.cohort_month
),

monthly as (
    select
        int_months.month,
        int_months.is_complete,
        int_metric_scope.fte_hours_week,
        per_lead.hours_week_per_lead,
        coalesce(counted.lead_count, 0) as lead_count,
        coalesce(counted.timed_lead_count, 0) as timed_lead_count,
        coalesce(counted.talk_count, 0) as talk_count,
        coalesce(counted.timed_count, 0) as timed_count,
        coalesce(counted.minutes_logged, 0) as minutes_logged,
        sum(coalesce(counted.timed_count, 0)) over () > 0 as is_recorded
    from int_months
    left join counted on int_months.month = counted.month
    cross join int_metric_scope
    left join per_lead on true
),

judged as (
    select
        *,
        case
            when not is_recorded then 'not_measurable'
            when lead_count < {{ var('min_n_rate') }} then 'insufficient'
            else 'measured'
        end as status
    from monthly
)

select
    month,
    is_complete,
    cast(lead_count as integer) as inbound_leads,
    cast(timed_lead_count as integer) as timed_leads,
    cast(talk_count as integer) as talks,
    cast(timed_count as integer) as timed_talks,
    cast(minutes_logged as double) as minutes_logged,
    cast(case when status = 'measured' then minutes_logged / lead_count end as double) as minutes_per_lead,
    -- 52 / 12 weeks a month: 0.1 hour a week for each lead a month is 26 minutes a lead.
    cast(hours_week_per_lead * 60.0 * 52.0 / 12.0 as double) as minutes_per_lead_rule,
    cast(
        case when status = 'measured' then minutes_logged / 60.0 / (52.0 / 12.0) / fte_hours_week end as double
    ) as required_fte_logged,
    status,
    {{ publication_columns() }}
from judged
