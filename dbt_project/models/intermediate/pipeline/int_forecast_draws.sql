{{ config(materialized='table') }}

{%- set draws = 1000 %}

-- What the open pipeline may bring, drawn a thousand times: each deal is won or not, and a chance from own history is
-- itself only known so far, so it moves for all deals of a stage together. The draws come out of ids, so that the same
-- data give the same quantiles.
with

lines as (
    select * from {{ ref('int_forecast_lines') }}
    where is_now and months_ahead is not null and amount_reporting is not null and probability is not null
),

draws as (
    select unnest(range(0, {{ draws }})) as draw_no
),

deals as (
    select distinct deal_id
    from lines
),

stages as (
    select distinct
        source_crm,
        pipeline_id,
        stage_id
    from lines
),

deal_throws as (
    select
        deals.deal_id,
        draws.draw_no,
        {{ hash_uniform("deals.deal_id || '|' || draws.draw_no") }} as deal_dice
    from deals
    cross join draws
),

-- Two even numbers make a normal one (Box and Muller).
stage_throws as (
    select
        stages.source_crm,
        stages.pipeline_id,
        stages.stage_id,
        draws.draw_no,
        sqrt(-2.0 * ln({{ hash_uniform(
            "stages.source_crm || stages.pipeline_id || stages.stage_id || '|a|' || draws.draw_no"
        ) }})) * cos(2.0 * pi() * {{ hash_uniform(
            "stages.source_crm || stages.pipeline_id || stages.stage_id || '|b|' || draws.draw_no"
        ) }}) as stage_dice
    from stages
    cross join draws
),

dice as (
    select
        lines.scenario,
        lines.months_ahead,
        lines.deal_id,
        lines.probability,
        lines.won_count,
        lines.settled_count,
        lines.amount_reporting,
        deal_throws.draw_no,
        deal_throws.deal_dice,
        stage_throws.stage_dice
    from lines
    inner join deal_throws on lines.deal_id = deal_throws.deal_id
    inner join stage_throws
        on
            lines.source_crm = stage_throws.source_crm
            and lines.pipeline_id = stage_throws.pipeline_id
            and lines.stage_id = stage_throws.stage_id
            and deal_throws.draw_no = stage_throws.draw_no
),

moved as (
    select
        *,
        case
            when settled_count is null then probability
            else
                1.0 / (
                    1.0 + exp(
                        -ln((won_count + 0.5) / (settled_count - won_count + 0.5))
                        - stage_dice * sqrt(1.0 / (won_count + 0.5) + 1.0 / (settled_count - won_count + 0.5))
                    )
                )
        end as drawn_probability
    from dice
),

-- A deal is won in one month at most: the months share one throw.
stacked as (
    select
        *,
        sum(drawn_probability) over (
            partition by scenario, deal_id, draw_no
            order by months_ahead rows between unbounded preceding and current row
        ) as upper_bound
    from moved
),

sums as (
    select
        scenario,
        months_ahead,
        draw_no,
        sum(
            case
                when deal_dice < upper_bound and deal_dice >= upper_bound - drawn_probability then amount_reporting
                else 0
            end
        ) as won_amount
    from stacked
    group by scenario, months_ahead, draw_no
)

select
    scenario,
    months_ahead,
    quantile_cont(won_amount, 0.1) as p10_amount,
    quantile_cont(won_amount, 0.5) as p50_amount,
    quantile_cont(won_amount, 0.9) as p90_amount
from sums
group by scenario, months_ahead
