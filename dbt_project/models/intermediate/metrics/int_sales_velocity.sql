{{ config(materialized='table') }}

{%- set draws = 500 %}
{%- set most_drawn = 2000 %}

-- Money a day that the open pipeline brings: qualified deals now open x win rate x mean won amount / days to won. The
-- last three are those of the deals closed or made in the w_close_days before the cut. The interval is a bootstrap:
-- each draw counts each deal a Poisson(1) number of times. The draws come out of the deals' ids, so that the same
-- data give the same interval. Of more than {{ most_drawn }} deals it is that many, and their interval is narrowed by
-- the root of the two numbers (m out of n: Bickel, Goetze and van Zwet 1997). One row; without an interval no figure.
with

int_deal_outcomes as (
    select * from {{ ref('int_deal_outcomes') }}
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

dim_stage as (
    select * from {{ ref('dim_stage') }}
),

open_deals as (
    select count(*) as open_count
    from fct_deal
    inner join dim_stage
        on
            fct_deal.source_crm = dim_stage.source_crm
            and fct_deal.pipeline_id is not distinct from dim_stage.pipeline_id
            and fct_deal.stage_id = dim_stage.stage_id
    where fct_deal.status = 'open' and dim_stage.class = 'qualified'
),

recent as (
    select
        int_deal_outcomes.deal_id,
        int_deal_outcomes.status,
        int_deal_outcomes.amount_reporting,
        int_deal_outcomes.is_rate_missing,
        int_deal_outcomes.cycle_days,
        int_deal_outcomes.is_eligible
        and int_deal_outcomes.has_losses
        and coalesce(fct_deal.won_at, fct_deal.lost_at) > {{ as_of() }} - to_days({{ var('w_close_days') }})
            as is_closed_in_window,
        int_deal_outcomes.has_losses
        and int_deal_outcomes.cycle_days >= 0
        and fct_deal.created_at > {{ as_of() }} - to_days({{ var('w_close_days') }}) as is_made_in_window
    from int_deal_outcomes
    inner join fct_deal on int_deal_outcomes.deal_id = fct_deal.deal_id
),

counted as (
    select * from recent
    where is_closed_in_window or is_made_in_window
),

placed as (
    select
        *,
        count(*) over () as deals_in_all,
        row_number() over (order by {{ hash_uniform('deal_id') }}, deal_id) as place
    from counted
),

-- Draw 0 is the data themselves, draw -1 those of them that are drawn from.
draws as (
    select
        *,
        unnest(case when place <= {{ most_drawn }} then range(-1, {{ draws }} + 1) else [0] end) as draw_no
    from placed
),

dice as (
    select
        *,
        {{ hash_uniform("deal_id || '|' || draw_no") }} as dice_value
    from draws
),

weighted as (
    select
        *,
        case
            when draw_no <= 0 then 1
            when dice_value < 0.36787944117144233 then 0
            when dice_value < 0.73575888234288467 then 1
            when dice_value < 0.91969860292860584 then 2
            when dice_value < 0.98101184312384626 then 3
            when dice_value < 0.99634015317265637 then 4
            when dice_value < 0.99940581518241833 then 5
            else 6
        end as weight
    from dice
),

made as (
    select * from weighted
    where is_made_in_window
),

cycles as (
    select * from {{ won_cycle('made', ['draw_no'], 'cycle_days', 'status', 'weight') }} as won_cycles
),

closings as (
    select
        draw_no,
        sum(case when is_closed_in_window then weight else 0 end) as closed_weight,
        sum(case when is_closed_in_window and status = 'won' then weight else 0 end) as won_weight,
        sum(case when is_closed_in_window and status = 'won' and amount_reporting is not null then weight else 0 end)
            as valued_weight,
        sum(
            case
                when is_closed_in_window and status = 'won' then weight * amount_reporting
            end
        ) as won_amount,
        bool_or(is_closed_in_window and status = 'won' and is_rate_missing) as is_blocked,
        max(deals_in_all) as deals_in_all
    from weighted
    group by draw_no
),

velocities as (
    select
        closings.draw_no,
        closings.closed_weight,
        closings.is_blocked,
        closings.deals_in_all,
        cycles.still_open_share,
        cycles.deal_count,
        cycles.median_days,
        1.0 * closings.won_weight / nullif(closings.closed_weight, 0) as win_rate,
        cast(closings.won_amount as {{ double() }}) / nullif(closings.valued_weight, 0) as mean_won_amount,
        open_deals.open_count
        * (1.0 * closings.won_weight / nullif(closings.closed_weight, 0))
        * (cast(closings.won_amount as {{ double() }}) / nullif(closings.valued_weight, 0))
        / nullif(cycles.median_days, 0) as velocity,
        open_deals.open_count
    from closings
    left join cycles on closings.draw_no = cycles.draw_no
    cross join open_deals
),

summed as (
    select
        any_value(open_count) as open_count,
        max(case when draw_no = 0 then closed_weight end) as closed_count,
        max(case when draw_no = 0 then deal_count end) as made_count,
        max(case when draw_no = 0 then win_rate end) as win_rate,
        max(case when draw_no = 0 then mean_won_amount end) as mean_won_amount,
        max(case when draw_no = 0 then median_days end) as cycle_median_days,
        max(case when draw_no = 0 then still_open_share end) as cycle_open_share,
        max(case when draw_no = 0 then velocity end) as velocity,
        max(case when draw_no = -1 then velocity end) as drawn_velocity,
        max(deals_in_all) as deals_in_all,
        coalesce(bool_or(is_blocked), false) as is_blocked,
        count(velocity) filter (where draw_no > 0) as drawn_count,
        quantile_cont(velocity, 0.025) filter (where draw_no > 0) as drawn_low,
        quantile_cont(velocity, 0.975) filter (where draw_no > 0) as drawn_high
    from velocities
),

narrowed as (
    select
        * exclude (drawn_velocity, deals_in_all, drawn_low, drawn_high),
        case
            when deals_in_all <= {{ most_drawn }} then drawn_low
            else velocity * power(drawn_low / nullif(drawn_velocity, 0), sqrt({{ most_drawn }}.0 / deals_in_all))
        end as ci_low,
        case
            when deals_in_all <= {{ most_drawn }} then drawn_high
            else velocity * power(drawn_high / nullif(drawn_velocity, 0), sqrt({{ most_drawn }}.0 / deals_in_all))
        end as ci_high
    from summed
)

-- A draw without a won deal has no amount; when that is more than one in fifty, the interval says too little.
select
    *,
    case
        when is_blocked then 'blocked'
        when
            coalesce(closed_count, 0) < {{ var('min_n_rate') }}
            or coalesce(made_count, 0) < {{ var('min_n_rate') }}
            or velocity is null
            or ci_low is null
            or cycle_open_share > 0.20
            or drawn_count < 0.98 * {{ draws }}
            then 'insufficient'
        else 'measured'
    end as status
from narrowed
