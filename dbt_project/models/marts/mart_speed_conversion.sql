{%- set hours = var('sla_bands_working_hours') %}

with

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
    where role = 'inbound'
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where motion = 'inbound' and is_counted and is_speed_eligible and has_lead_speed and has_qualification
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
    where metric_id = 'speed_conversion'
),

bands as (
    select
        unnest(range(1, {{ hours | length + 3 }})) as band_no,
        unnest([0, {{ hours | join(', ') }}, null]) as from_hours,
        unnest([{{ hours | join(', ') }}, null, null]) as to_hours
),

-- The first attempt of a qualified lead lies before its qualification, so a band never looks past the result.
banded as (
    select
        cohort_month,
        is_old_enough,
        is_old_enough and is_qualified_in_window as is_converted,
        case
            when not is_speed_event then {{ hours | length + 2 }}
            else 1 + len(list_filter({{ hours }}, lambda hour: speed_time_wm > 60.0 * hour))
        end as band_no
    from int_cycle_outcomes
    -- A young lead nobody tried yet may still be tried: it has no band.
    where is_speed_event or is_due
),

dated as (
    select
        band_no,
        is_old_enough,
        is_converted,
        unnest(['month', 'roll3', 'roll3', 'roll3', 'all']) as period_type,
        cast(cohort_month - to_months(cast(unnest([0, 0, 1, 2, 0]) as integer)) as date) as period_start
    from banded
),

counted as (
    select
        period_type,
        case when period_type <> 'all' then period_start end as period_start,
        band_no,
        count(*) as lead_count,
        count(case when is_old_enough then 1 end) as old_enough_count,
        count(case when is_converted then 1 end) as converted_count
    from dated
    group by period_type, case when period_type <> 'all' then period_start end, band_no
),

periods as (
    select
        period_type,
        period_start,
        is_complete,
        speed_status <> 'not_measurable' and result_grade <> 'not_measurable' as is_measurable
    from mart_role_scorecard
    union all by name
    select
        'all' as period_type,
        null as period_start,
        false as is_complete,
        bool_or(speed_status <> 'not_measurable' and result_grade <> 'not_measurable') as is_measurable
    from mart_role_scorecard
),

filled as (
    select
        periods.period_type,
        coalesce(periods.period_start, int_metric_scope.first_month) as period_start,
        periods.is_complete,
        coalesce(periods.is_measurable, false) as is_measurable,
        bands.band_no,
        bands.from_hours,
        bands.to_hours,
        coalesce(counted.lead_count, 0) as lead_count,
        coalesce(counted.old_enough_count, 0) as old_enough_count,
        coalesce(counted.converted_count, 0) as converted_count
    from periods
    cross join int_metric_scope
    cross join bands
    left join counted
        on
            periods.period_type = counted.period_type
            and periods.period_start is not distinct from counted.period_start
            and bands.band_no = counted.band_no
),

measured as (
    select
        period_type,
        period_start,
        is_complete,
        cast(band_no as integer) as band_no,
        case
            when from_hours is null then 'never'
            when to_hours is null then format('{:g}+', cast(from_hours as double))
            else format('{:g}-{:g}', cast(from_hours as double), cast(to_hours as double))
        end as band,
        cast(from_hours as double) as from_working_hours,
        cast(to_hours as double) as to_working_hours,
        'speed_conversion' as metric_id,
        {{ rate_columns('', 'converted_count', 'old_enough_count',
            '1.0 * old_enough_count / nullif(lead_count, 0)', 'is_measurable') }},
        cast(0.95 as double) as ci_level,
        'association (samenhang), geen oorzaak: wie snel gebeld wordt kan anders zijn, en een lead die laat gebeld '
        || 'wordt was tot dan toe niet gekwalificeerd; conversies zonder vastgelegde poging tellen niet mee' as note_nl,
        'association, not cause: leads that are called quickly may be other leads, and one that is called late had not '
        || 'been qualified until then; conversions without a logged attempt are left out' as note_en
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
