{{ config(materialized='table') }}

-- The state of a rule moves month by month: it needs two months running to be crossed and two to leave it, so that one
-- busy or quiet month hires and dismisses nobody.
with recursive

int_staffing_rates as (
    select * from {{ ref('int_staffing_rates') }}
),

signals as (
    select
        rule_id,
        month,
        month_no,
        is_estimated,
        coalesce(is_estimated and p_cross > {{ var('prob_cross') }}, false) as is_high,
        coalesce(is_estimated and p_cross < 0.35, false) as is_low,
        coalesce(months_to_cross <= {{ var('hire_months') + var('ramp_months') }}, false) as is_near
    from int_staffing_rates
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

states as (
    select
        rule_id,
        month,
        state,
        high_since
    from walked
)

select * from states
