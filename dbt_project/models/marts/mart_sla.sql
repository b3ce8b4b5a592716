{%- set groups = ['band_unit', 'period_type', 'period_start'] %}

with

int_months as (
    select * from {{ ref('int_months') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where motion = 'inbound' and is_counted and is_speed_eligible and has_lead_speed
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
    where slice_type = 'all'
),

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
    where role = 'inbound'
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
    where metric_id = 'share_within_sla'
),

bands as (
    select
        'calendar_minutes' as band_unit,
        cast(unnest({{ var('sla_bands_minutes_calendar') }}) as double) as band
    union all by name
    select
        'working_hours' as band_unit,
        cast(unnest({{ var('sla_bands_working_hours') }}) as double) as band
),

-- Each lead lies in its month and in the three rolling periods that hold it.
dated as (
    select
        speed_time_cm,
        speed_time_wm,
        is_speed_event,
        unnest(['month', 'roll3', 'roll3', 'roll3']) as period_type,
        cast(cohort_month - to_months(cast(unnest([0, 0, 1, 2]) as integer)) as date) as period_start
    from int_cycle_outcomes
),

waits as (
    select
        period_type,
        period_start,
        unnest(['calendar_minutes', 'working_hours']) as band_unit,
        unnest([speed_time_cm, speed_time_wm / 60.0]) as waited,
        is_speed_event
    from dated
),

steps as (
    select * from {{ kaplan_meier('waits', groups, 'waited', 'is_speed_event') }} as km
),

counted as (
    select
        waits.period_type,
        waits.period_start,
        waits.band_unit,
        bands.band,
        count(*) as aj_n,
        count(case when waits.is_speed_event and waits.waited <= bands.band then 1 end) as aj_k,
        count(case when waits.is_speed_event or waits.waited >= bands.band then 1 end) as aj_known,
        bool_or(waits.waited >= bands.band) as has_anybody_left
    from waits
    inner join bands on waits.band_unit = bands.band_unit
    group by waits.period_type, waits.period_start, waits.band_unit, bands.band
),

read as (
    select
        counted.*,
        steps.survival,
        steps.ci_low,
        steps.ci_high
    from counted
    asof left join steps
        on
            counted.period_type = steps.period_type
            and counted.period_start = steps.period_start
            and counted.band_unit = steps.band_unit
            and counted.band >= steps.t
),

-- Once every lead's fate at the band is known the share is a plain proportion, and Kaplan-Meier gives the same one.
bounded as (
    select
        *,
        case when aj_known = aj_n then 1.0 * aj_k / aj_n else 1.0 - coalesce(survival, 1.0) end as aj_incidence,
        case
            when aj_known = aj_n or survival is null or survival in (0.0, 1.0)
                then {{ wilson_interval('aj_k', 'aj_known', 'low') }}
            else 1.0 - ci_high
        end as aj_ci_low,
        case
            when aj_known = aj_n or survival is null or survival in (0.0, 1.0)
                then {{ wilson_interval('aj_k', 'aj_known', 'high') }}
            else 1.0 - ci_low
        end as aj_ci_high,
        case
            when aj_known = aj_n or survival is null or survival in (0.0, 1.0) then 'wilson'
            else 'kaplan_meier_log_log'
        end as aj_ci_method,
        has_anybody_left or coalesce(survival = 0.0, false) as aj_is_followed
    from read
),

-- A roll starts in its own month and holds the two after it.
members as (
    select
        mart_role_scorecard.period_type,
        mart_role_scorecard.period_start,
        int_months.month
    from mart_role_scorecard
    inner join int_months
        on
            mart_role_scorecard.period_start <= int_months.month
            and mart_role_scorecard.period_end > int_months.month
),

never_answered as (
    select
        members.period_type,
        members.period_start,
        sum(mart_inbound_month.never_answered_k) as k,
        sum(mart_inbound_month.never_answered_n) as n,
        sum(mart_inbound_month.inbound_leads - mart_inbound_month.unlogged_k) as answerable,
        bool_or(mart_inbound_month.never_answered_grade <> 'not_measurable') as is_recorded
    from members
    inner join mart_inbound_month on members.month = mart_inbound_month.month
    group by members.period_type, members.period_start
),

filled as (
    select
        mart_role_scorecard.period_type,
        mart_role_scorecard.period_start,
        mart_role_scorecard.is_complete,
        bands.band_unit,
        bands.band,
        mart_role_scorecard.speed_status <> 'not_measurable' as is_measurable,
        {{ aj_columns('bounded') }},
        coalesce(never_answered.k, 0) as never_k,
        coalesce(never_answered.n, 0) as never_n,
        coalesce(never_answered.answerable, 0) as answerable,
        coalesce(never_answered.is_recorded, false) as is_recorded
    from mart_role_scorecard
    cross join bands
    left join bounded
        on
            mart_role_scorecard.period_type = bounded.period_type
            and mart_role_scorecard.period_start = bounded.period_start
            and bands.band_unit = bounded.band_unit
            and bands.band = bounded.band
    left join never_answered
        on
            mart_role_scorecard.period_type = never_answered.period_type
            and mart_role_scorecard.period_start = never_answered.period_start
),

measured as (
    select
        period_type,
        period_start,
        is_complete,
        band_unit,
        band,
        'share_within_sla' as metric_id,
        {{ incidence_columns('', 'is_measurable') }},
        cast(0.95 as double) as ci_level,
        {{ rate_columns('never_answered', 'never_k', 'never_n', '1.0 * never_n / nullif(answerable, 0)',
            'is_recorded') }}
    from filled
),

published as (
    select
        measured.*,
        int_metrics.version as metric_version,
        {{ publication_columns() }}
    from measured
    left join int_metrics on measured.metric_id = int_metrics.metric_id
)

select * from published
