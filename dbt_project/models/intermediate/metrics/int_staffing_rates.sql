{{ config(materialized='table') }}

-- The rate of the volume rules, month after month: what was known at the end of each complete month.
with

dim_threshold_rule as (
    select * from {{ ref('dim_threshold_rule') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
),

mart_closer_month as (
    select * from {{ ref('mart_closer_month') }}
),

int_months as (
    select * from {{ ref('int_months') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

recorded as (
    select coalesce(bool_or(has_qualification), false) as has_qualification
    from int_source_capabilities
),

full_time as (
    select threshold as full_time_leads
    from dim_threshold_rule
    where rule_id = 'R2'
),

rules as (
    select
        dim_threshold_rule.rule_id,
        dim_threshold_rule.role,
        dim_threshold_rule.comparator,
        dim_threshold_rule.unit,
        -- R3 is written in FTE (0.1); its volume is counted in leads like that of R2.
        case
            when dim_threshold_rule.rule_id = 'R3' and dim_threshold_rule.threshold < 1
                then dim_threshold_rule.threshold * full_time.full_time_leads
            else dim_threshold_rule.threshold
        end as threshold
    from dim_threshold_rule
    cross join full_time
    where dim_threshold_rule.rule_id in ('R2', 'R3', 'R6')
),

volumes as (
    select
        rules.rule_id,
        rules.role,
        rules.comparator,
        rules.unit,
        rules.threshold,
        int_months.month,
        cast(
            case
                when rules.rule_id = 'R6' then coalesce(mart_closer_month.qualified_received, 0)
                else coalesce(mart_inbound_month.inbound_leads, 0)
            end as double
        ) as volume,
        rules.rule_id <> 'R6' or recorded.has_qualification as is_recorded
    from rules
    cross join int_months
    left join mart_inbound_month
        on
            int_months.month = mart_inbound_month.month
            and mart_inbound_month.slice_type = 'all'
    left join mart_closer_month
        on
            int_months.month = mart_closer_month.month
            and mart_closer_month.slice_type = 'all'
    cross join recorded
    where int_months.is_complete
),

windowed as (
    select
        *,
        row_number() over (partition by rule_id order by month) as month_no,
        sum(volume) over (
            partition by rule_id order by month rows between 2 preceding and current row
        ) as volume_3,
        count(*) over (
            partition by rule_id order by month rows between 2 preceding and current row
        ) as months_3,
        avg(volume) over (
            partition by rule_id order by month rows between 11 preceding and current row
        ) as mean_12,
        var_samp(volume) over (
            partition by rule_id order by month rows between 11 preceding and current row
        ) as variance_12,
        list(volume) over (
            partition by rule_id order by month rows between 11 preceding and current row
        ) as volumes_12
    from volumes
),

dispersed as (
    select
        *,
        cast(case when mean_12 > 0 then greatest(1.0, coalesce(variance_12 / mean_12, 1.0)) else 1.0 end as double)
            as phi,
        is_recorded and months_3 = 3 as is_estimated
    from windowed
),

posterior as (
    select
        *,
        cast(0.5 as double) + volume_3 / phi as shape,
        3.0 / phi as exposure
    from dispersed
),

estimated as (
    -- sqlfluff's dialect does not know a lambda of two arguments.
    select
        *,
        case when is_estimated then shape / exposure end as rate_estimate,
        case when is_estimated then {{ gamma_cdf('shape', 'threshold * exposure') }} end as p_at_most,
        case when is_estimated then {{ gamma_quantile('0.025', 'shape') }} / exposure end as rate_ci_low,  -- noqa: PRS, LT02
        case when is_estimated then {{ gamma_quantile('0.975', 'shape') }} / exposure end as rate_ci_high,
        -- Twelve months make a trend, unless most of them were empty: then one busy month would be all of it.
        case
            when is_estimated and len(volumes_12) = 12 and len(list_filter(volumes_12, lambda v: v > 0)) >= 6
                then {{ poisson_slope('volumes_12') }}
        end as slope
    from posterior
),

crossing as (
    select
        *,
        case
            when comparator in ('<', '<=') then p_at_most
            else 1.0 - p_at_most
        end as p_cross
    from estimated
)

select * from crossing
