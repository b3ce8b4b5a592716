{{ config(materialized='table') }}

-- The state of a rule moves month by month: it needs two months running to be crossed and two to leave it, so that one
-- busy or quiet month hires and dismisses nobody.
with recursive

int_staffing_rates as (
    select * from {{ ref('int_staffing_rates') }}
),

int_staffing_forecasts as (
    select * from {{ ref('int_staffing_forecasts') }}
),

crossings as (
    select
        rule_id,
        month,
        min(months_ahead) as months_to_cross
    from int_staffing_forecasts
    where p_cross >= 0.5
    group by rule_id, month
),

signals as (
    select
        rates.rule_id,
        rates.month,
        rates.month_no,
        rates.is_estimated,
        coalesce(rates.is_estimated and rates.p_cross > {{ var('prob_cross') }}, false) as is_high,
        coalesce(rates.is_estimated and rates.p_cross < 0.35, false) as is_low,
        coalesce(crossings.months_to_cross <= {{ var('hire_months') + var('ramp_months') }}, false) as is_near,
        case
            when rates.is_estimated
                then cast(rates.month + to_months(cast(crossings.months_to_cross as integer)) as date)
        end as forecast_cross_month
    from int_staffing_rates as rates
    left join crossings
        on
            rates.rule_id = crossings.rule_id
            and rates.month = crossings.month
),

walked as (
    select
        rule_id,
        month,
        month_no,
        is_high,
        is_low,
        false as is_held,
        cast(case when is_high then month end as date) as high_since,
        case
            when not is_estimated then 'insufficient_data'
            when is_high then 'crossed_provisional'
            when is_near then 'approaching'
            else 'below'
        end as state
    from signals
    where month_no = 1

    union all

    select
        signals.rule_id,
        signals.month,
        signals.month_no,
        signals.is_high,
        signals.is_low,
        case
            when walked.is_held then not (signals.is_low and walked.is_low)
            else signals.is_high and walked.is_high
        end as is_held,
        cast(
            case
                when walked.is_held and not (signals.is_low and walked.is_low) then walked.high_since
                when signals.is_high and walked.is_high then walked.high_since
                when signals.is_high then signals.month
            end as date
        ) as high_since,
        case
            when not signals.is_estimated then 'insufficient_data'
            when walked.is_held and signals.is_low and not walked.is_low then 'receding'
            when walked.is_held and not signals.is_low then 'crossed'
            when signals.is_high and walked.is_high then 'crossed'
            when signals.is_high then 'crossed_provisional'
            when signals.is_near then 'approaching'
            else 'below'
        end as state
    from walked
    inner join signals
        on
            walked.rule_id = signals.rule_id
            and walked.month_no + 1 = signals.month_no
),

-- Past the threshold it is since when; before it, the first month that is forecast past it.
states as (
    select
        walked.rule_id,
        walked.month,
        walked.state,
        walked.high_since,
        case
            when walked.state in ('crossed', 'crossed_provisional', 'receding') then walked.high_since
            when walked.state in ('approaching', 'below') then signals.forecast_cross_month
        end as expected_cross_month
    from walked
    inner join signals
        on
            walked.rule_id = signals.rule_id
            and walked.month = signals.month
)

select * from states
