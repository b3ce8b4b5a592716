{{ config(materialized='table') }}

{%- set draws = 1000 %}
{%- set most_thrown = 500 %}
{%- set drawn_probability %}
        case
            when settled_count is null then probability
            else
                1.0 / (
                    1.0 + exp(
                        -ln((won_count + 0.5) / (settled_count - won_count + 0.5))
                        - stage_dice * sqrt(1.0 / (won_count + 0.5) + 1.0 / (settled_count - won_count + 0.5))
                    )
                )
        end
{%- endset %}

-- What the open pipeline may bring, drawn a thousand times: each deal is won or not, and a chance from own history is
-- itself only known so far, so it moves for all deals of a stage together. The largest deals are thrown one by one; the
-- sum of the others, each of them small beside so many larger ones, is drawn from the gamma distribution with its mean
-- and variance. The draws come out of ids, so that the same data give the same quantiles.
with

lines as (
    select * from {{ ref('int_forecast_lines') }}
    where is_now and months_ahead is not null and amount_reporting is not null and probability is not null
),

draws as (
    select unnest(range(0, {{ draws }})) as draw_no
),

deals as (
    select deal_id
    from lines
    group by deal_id
    qualify row_number() over (order by max(amount_reporting) desc, deal_id) <= {{ most_thrown }}
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

stage_throws as (
    select
        stages.source_crm,
        stages.pipeline_id,
        stages.stage_id,
        draws.draw_no,
        {{ hash_normal("stages.source_crm || stages.pipeline_id || stages.stage_id", "draws.draw_no") }} as stage_dice
    from stages
    cross join draws
),

-- Chances that move together are one line.
rest as (
    select
        lines.scenario,
        lines.months_ahead,
        lines.source_crm,
        lines.pipeline_id,
        lines.stage_id,
        lines.probability,
        lines.won_count,
        lines.settled_count,
        sum(cast(lines.amount_reporting as {{ double() }}) order by lines.deal_id) as amount,
        sum(power(cast(lines.amount_reporting as {{ double() }}), 2) order by lines.deal_id) as squared_amount
    from lines
    anti join deals on lines.deal_id = deals.deal_id
    group by all
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
        {{ drawn_probability }} as drawn_probability
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

rest_dice as (
    select
        rest.*,
        stage_throws.draw_no,
        stage_throws.stage_dice,
        {{ hash_normal(
            "concat_ws('|', rest.source_crm, rest.pipeline_id, rest.stage_id, rest.probability, rest.months_ahead)",
            "stage_throws.draw_no"
        ) }} as rest_dice
    from rest
    inner join stage_throws
        on
            rest.source_crm = stage_throws.source_crm
            and rest.pipeline_id = stage_throws.pipeline_id
            and rest.stage_id = stage_throws.stage_id
),

rest_moved as (
    select
        *,
        {{ drawn_probability }} as drawn_probability
    from rest_dice
),

-- The gamma quantile of a normal number (Wilson and Hilferty 1931), by the coefficient of variation.
rest_spread as (
    select
        *,
        coalesce(
            sqrt((1.0 - drawn_probability) / nullif(drawn_probability, 0) * squared_amount) / nullif(amount, 0), 0.0
        ) as variation
    from rest_moved
),

drawn as (
    select
        scenario,
        months_ahead,
        draw_no,
        case
            when deal_dice < upper_bound and deal_dice >= upper_bound - drawn_probability then amount_reporting
            else 0
        end as won_amount
    from stacked
    union all
    -- Decimals, whose sum does not depend on their order.
    select
        scenario,
        months_ahead,
        draw_no,
        cast(
            drawn_probability * amount
            * power(greatest(0.0, 1.0 - power(variation, 2) / 9.0 + rest_dice * variation / 3.0), 3)
            as decimal(18, 2)
        ) as won_amount
    from rest_spread
),

sums as (
    select
        scenario,
        months_ahead,
        draw_no,
        sum(won_amount) as won_amount
    from drawn
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
