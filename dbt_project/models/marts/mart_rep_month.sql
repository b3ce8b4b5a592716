{#- How many leads of an average colleague everybody starts with. -#}
{%- set strength = '10.0' %}
{%- set groups = ['role', 'rep_id', 'period_type', 'period_start'] %}

-- Built from the rep slices of the month marts, so without figures on people this mart has no rows. No ranking: a
-- chance of being above the team's rate is all that two to five people allow.
with

int_months as (
    select * from {{ ref('int_months') }}
),

int_role_capacity as (
    select * from {{ ref('int_role_capacity') }}
),

int_speed_samples as (
    select * from {{ ref('int_speed_samples') }}
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
    where slice_type = 'rep' and slice_value <> 'unassigned'
),

mart_outbound_month as (
    select * from {{ ref('mart_outbound_month') }}
    where slice_type = 'rep' and slice_value <> 'unassigned'
),

mart_closer_month as (
    select * from {{ ref('mart_closer_month') }}
    where slice_type = 'rep' and slice_value <> 'unassigned'
),

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
),

rep_months as (
    select
        'inbound' as role,
        slice_value as rep_id,
        month,
        inbound_leads as volume,
        lead_to_qualified_k as k,
        lead_to_qualified_n as n,
        lead_to_qualified_maturity as maturity,
        lead_to_qualified_grade <> 'not_measurable' as is_recorded,
        lead_speed_status <> 'not_measurable' as is_speed_recorded
    from mart_inbound_month
    union all by name
    select
        'outbound' as role,
        slice_value as rep_id,
        month,
        new_prospects as volume,
        prospect_to_qualified_k as k,
        prospect_to_qualified_n as n,
        prospect_to_qualified_maturity as maturity,
        prospect_to_qualified_grade <> 'not_measurable' as is_recorded,
        true as is_speed_recorded
    from mart_outbound_month
    union all by name
    select
        'closer' as role,
        slice_value as rep_id,
        month,
        qualified_received as volume,
        lead_to_customer_k as k,
        lead_to_customer_n as n,
        lead_to_customer_maturity as maturity,
        lead_to_customer_grade <> 'not_measurable' as is_recorded,
        handover_status <> 'not_measurable' as is_speed_recorded
    from mart_closer_month
),

-- The month, and the three months that start with it.
months as (
    select
        starts.month as period_start,
        members.month,
        unnest(case when starts.month_no = members.month_no then ['month', 'roll3'] else ['roll3'] end) as period_type
    from int_months as starts
    inner join int_months as members on members.month_no between starts.month_no and starts.month_no + 2
),

pooled as (
    select
        rep_months.role,
        rep_months.rep_id,
        months.period_type,
        months.period_start,
        sum(rep_months.volume) as volume,
        sum(int_role_capacity.fte) as fte_months,
        sum(rep_months.k) as k,
        sum(rep_months.n) as n,
        sum(rep_months.maturity * rep_months.volume) / nullif(sum(rep_months.volume), 0) as maturity,
        bool_or(rep_months.is_recorded) as is_recorded,
        bool_or(rep_months.is_speed_recorded) as is_speed_recorded
    from rep_months
    inner join months on rep_months.month = months.month
    left join int_role_capacity
        on
            rep_months.month = int_role_capacity.month
            and rep_months.role = int_role_capacity.role
            and rep_months.rep_id = int_role_capacity.rep_id
    group by rep_months.role, rep_months.rep_id, months.period_type, months.period_start
),

waits as (
    select
        int_speed_samples.role,
        int_speed_samples.rep_id,
        months.period_type,
        months.period_start,
        int_speed_samples.speed_time_wm,
        int_speed_samples.is_speed_event
    from int_speed_samples
    inner join months on int_speed_samples.month = months.month
),

speeds as (
    select *
    from {{ kaplan_meier_summary('waits', groups, 'speed_time_wm', 'is_speed_event', '2400.0') }} as km
),

-- The role's rate, half a lead added to both outcomes: a prior of exactly 0 or 1 would leave nothing to learn.
prior as (
    select
        pooled.*,
        mart_role_scorecard.period_end,
        mart_role_scorecard.is_complete,
        mart_role_scorecard.result_metric,
        mart_role_scorecard.result_k as team_k,
        mart_role_scorecard.result_n as team_n,
        mart_role_scorecard.result_estimate as team_estimate,
        (mart_role_scorecard.result_k + 0.5) / (mart_role_scorecard.result_n + 1.0) as prior_rate,
        count(case when pooled.n > 0 then 1 end) over (
            partition by pooled.role, pooled.period_type, pooled.period_start
        ) as colleague_count,
        coalesce(speeds.n, 0) as speed_n,
        speeds.median,
        speeds.median_ci_low,
        speeds.median_ci_high
    from pooled
    inner join mart_role_scorecard
        on
            pooled.role = mart_role_scorecard.role
            and pooled.period_type = mart_role_scorecard.period_type
            and pooled.period_start = mart_role_scorecard.period_start
    left join speeds
        on
            pooled.role = speeds.role
            and pooled.rep_id = speeds.rep_id
            and pooled.period_type = speeds.period_type
            and pooled.period_start = speeds.period_start
),

posterior as (
    select
        *,
        k + {{ strength }} * prior_rate as alpha,
        n - k + {{ strength }} * (1.0 - prior_rate) as beta,
        is_recorded and n >= {{ var('min_n_rate') }} as is_shown,
        {{ speed_status('speed_n', 'is_speed_recorded') }} as speed_status
    from prior
),

bounded as (
    select
        *,
        case when is_shown then {{ beta_quantile('0.025', 'alpha', 'beta') }} end as low,  -- noqa: PRS, LT02
        case when is_shown then {{ beta_quantile('0.975', 'alpha', 'beta') }} end as high
    from posterior
),

measured as (
    select
        rep_id,
        role,
        period_type,
        period_start,
        period_end,
        is_complete,
        cast(volume as double) as volume,
        cast(fte_months as double) as fte_months,
        cast(volume / nullif(fte_months, 0) as double) as volume_per_fte_month,
        result_metric as metric_id,
        {{ rate_columns('', 'k', 'n', 'maturity', 'is_recorded') }},
        cast(0.95 as double) as ci_level,
        cast(team_k as bigint) as team_k,
        cast(team_n as bigint) as team_n,
        cast(team_estimate as double) as team_estimate,
        cast(case when is_shown then alpha / (alpha + beta) end as double) as shrunken_estimate,
        -- After hundreds of leads of which not one came off, nearly all of the belief lies below its own mean: the
        -- interval reaches at least to the estimate.
        cast(least(low, alpha / (alpha + beta)) as double) as shrunken_ci_low,
        cast(greatest(high, alpha / (alpha + beta)) as double) as shrunken_ci_high,
        'beta_prior_strength_10' as shrunken_ci_method,
        cast(
            case
                when is_shown and colleague_count > 1 then 1.0 - {{ beta_cdf('prior_rate', 'alpha', 'beta') }}
            end as double
        ) as p_above_team,
        cast(speed_n as bigint) as speed_n,
        cast(case when speed_status = 'measured' then median end as double) as speed_median_wm,
        cast(case when speed_status = 'measured' then median_ci_low end as double) as speed_ci_low_wm,
        cast(case when speed_status = 'measured' then median_ci_high end as double) as speed_ci_high_wm,
        speed_status
    from bounded
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
