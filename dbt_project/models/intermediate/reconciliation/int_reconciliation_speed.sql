{{ config(materialized='table') }}

-- The follow-up time of inbound leads, one change at a time: figures, not postings, as means and medians don't add.
with

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where motion = 'inbound'
),

int_cycle_touches as (
    select * from {{ ref('int_cycle_touches') }}
    where direction = 'out' and completed_at <= {{ as_of() }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'lead' and is_human
),

int_speed_estimates as (
    select * from {{ ref('int_speed_estimates') }}
    where role = 'inbound' and period_type = 'month' and slice_type in ('all', 'rep')
),

leads as (
    select
        fct_lead_cycle.cycle_id,
        fct_lead_cycle.person_id,
        fct_lead_cycle.entered_month as month,
        coalesce(fct_lead_cycle.owner_current, 'unassigned') as owner_now,
        int_cycle_outcomes.rep_id as owner_then,
        fct_lead_cycle.entered_at,
        fct_lead_cycle.first_attempt_at,
        case when fct_lead_cycle.outcome = 'qualified' then fct_lead_cycle.closed_at end as handed_over_at,
        int_cycle_outcomes.is_counted
        and int_cycle_outcomes.is_speed_eligible
        and int_cycle_outcomes.has_lead_speed
        and int_cycle_outcomes.is_speed_event as is_clocked,
        int_cycle_outcomes.speed_time_cm,
        int_cycle_outcomes.speed_time_wm
    from fct_lead_cycle
    inner join int_cycle_outcomes on fct_lead_cycle.cycle_id = int_cycle_outcomes.cycle_id
),

-- What the CRM takes for an answer: the first message or call that went out, whoever or whatever sent it.
sent as (
    select
        leads.cycle_id,
        min(int_cycle_touches.completed_at) as sent_at
    from leads
    inner join int_cycle_touches on leads.cycle_id = int_cycle_touches.cycle_id
    where
        int_cycle_touches.completed_at >= leads.entered_at
        and (leads.handed_over_at is null or int_cycle_touches.completed_at <= leads.handed_over_at)
    group by leads.cycle_id
),

answers as (
    select
        leads.cycle_id,
        leads.person_id,
        leads.entered_at,
        'sent' as answer,
        sent.sent_at as answered_at
    from leads
    inner join sent on leads.cycle_id = sent.cycle_id
    union all by name
    select
        cycle_id,
        person_id,
        entered_at,
        'attempt' as answer,
        first_attempt_at as answered_at
    from leads
    where first_attempt_at is not null
),

-- Its clock begins anew with each owner.
waited as (
    select
        answers.cycle_id,
        answers.answer,
        greatest(
            0.0,
            (
                epoch(answers.answered_at)
                - epoch(greatest(answers.entered_at, coalesce(owner_intervals.valid_from, answers.entered_at)))
            ) / 60.0
        ) as minutes
    from answers
    asof left join owner_intervals
        on answers.person_id = owner_intervals.owned_id and answers.answered_at >= owner_intervals.valid_from
),

measured as (
    select
        leads.*,
        by_sent.minutes as sent_minutes,
        by_attempt.minutes as attempt_minutes,
        -- greatest() skips a NULL, and nobody's attempt is no answer at once.
        case
            when leads.first_attempt_at is not null
                then greatest(0.0, (epoch(leads.first_attempt_at) - epoch(leads.entered_at)) / 60.0)
        end as entry_minutes,
        case when leads.is_clocked then leads.speed_time_cm end as calendar_minutes,
        case when leads.is_clocked then leads.speed_time_wm end as working_minutes
    from leads
    left join waited as by_sent on leads.cycle_id = by_sent.cycle_id and by_sent.answer = 'sent'
    left join waited as by_attempt on leads.cycle_id = by_attempt.cycle_id and by_attempt.answer = 'attempt'
),

by_owner_now as (
    select
        month,
        unnest(['all', 'rep']) as slice_type,
        unnest(['all', owner_now]) as slice_value,
        sent_minutes
    from measured
),

by_owner_then as (
    select
        month,
        unnest(['all', 'rep']) as slice_type,
        unnest(['all', owner_then]) as slice_value,
        sent_minutes,
        attempt_minutes,
        entry_minutes,
        calendar_minutes,
        working_minutes
    from measured
),

-- Sums of decimals do not depend on their order.
averaged as (
    select
        month,
        slice_type,
        slice_value,
        'crm' as cause,
        count(sent_minutes) as n,
        cast(sum(cast(sent_minutes as decimal(28, 9))) as {{ double() }}) / nullif(count(sent_minutes), 0) as figure
    from by_owner_now
    group by month, slice_type, slice_value
    {% for cause, minutes in [('owner', 'sent_minutes'), ('automatic_answers', 'attempt_minutes'),
        ('reassignment', 'entry_minutes'), ('not_clocked', 'calendar_minutes'),
        ('working_hours', 'working_minutes')] -%}
        union all by name
        select
            month,
            slice_type,
            slice_value,
            '{{ cause }}' as cause,
            count({{ minutes }}) as n,
            cast(sum(cast({{ minutes }} as decimal(28, 9))) as {{ double() }})
            / nullif(count({{ minutes }}), 0) as figure
        from by_owner_then
        group by month, slice_type, slice_value
    {% endfor -%}
    union all by name
    select
        month,
        slice_type,
        slice_value,
        'mean_to_median' as cause,
        count(working_minutes) as n,
        quantile_disc(working_minutes, 0.5) as figure
    from by_owner_then
    group by month, slice_type, slice_value
    union all by name
    select
        period_start as month,
        slice_type,
        slice_value,
        'unanswered' as cause,
        n,
        median_wm as figure
    from int_speed_estimates
)

select
    'lead_speed_median' as metric_id,
    cause,
    month,
    slice_type,
    slice_value,
    cast(n as bigint) as n,
    cast(figure as decimal(18, 6)) as figure
from averaged
