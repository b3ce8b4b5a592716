with

int_months as (
    select * from {{ ref('int_months') }}
),

int_followup_days as (
    select * from {{ ref('int_followup_days') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
    where slice_type = 'all'
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
    where metric_id = 'share_within_days'
),

recorded as (
    select coalesce(bool_or(has_speed), false) as has_speed
    from int_source_capabilities
),

bands as (
    select unnest([0, 1, 2, 5]) as band_days
),

-- A lead is judged once the working day after the band has begun: from then on no attempt can be within it.
counted as (
    select
        int_followup_days.cohort_month as month,
        bands.band_days,
        count(*) as lead_count,
        count(case when int_followup_days.days_since_entry > bands.band_days then 1 end) as due_count,
        count(
            case
                when
                    int_followup_days.days_since_entry > bands.band_days
                    and int_followup_days.days_to_attempt <= bands.band_days
                    then 1
            end
        ) as followed_count
    from int_followup_days
    cross join bands
    group by int_followup_days.cohort_month, bands.band_days
),

filled as (
    select
        int_months.month,
        int_months.is_complete,
        bands.band_days,
        coalesce(counted.lead_count, 0) as lead_count,
        coalesce(counted.due_count, 0) as due_count,
        coalesce(counted.followed_count, 0) as followed_count,
        -- Unlike the minutes this needs no clock; too many conversions that nobody logged spoil both.
        recorded.has_speed
        and not coalesce(
            mart_inbound_month.unlogged_n >= {{ var('min_n_rate') }}
            and mart_inbound_month.unlogged_k > 0.30 * mart_inbound_month.unlogged_n,
            false
        ) as is_measurable
    from int_months
    cross join bands
    cross join recorded
    left join counted on int_months.month = counted.month and bands.band_days = counted.band_days
    left join mart_inbound_month on int_months.month = mart_inbound_month.month
),

measured as (
    select
        month,
        is_complete,
        cast(band_days as integer) as band_days,
        'share_within_days' as metric_id,
        {{ rate_columns('', 'followed_count', 'due_count', '1.0 * due_count / nullif(lead_count, 0)',
            'is_measurable') }},
        cast(0.95 as double) as ci_level
    from filled
)

select
    measured.*,
    int_metrics.version as metric_version,
    {{ publication_columns() }}
from measured
left join int_metrics on measured.metric_id = int_metrics.metric_id
