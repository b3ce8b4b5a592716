{{ config(materialized='table') }}

-- What a customer is worth over its life, in every way the company's data and settings allow.
with

stg_config__company as (
    select * from {{ ref('stg_config__company') }}
),

fct_customer_month as (
    select * from {{ ref('fct_customer_month') }}
),

dim_threshold_rule as (
    select * from {{ ref('dim_threshold_rule') }}
),

rule as (
    select
        threshold,
        comparator
    from dim_threshold_rule
    where rule_id = 'R5'
),

-- Churn is only seen when a renewal was due, so it is counted over whole years, back from the newest complete month:
-- who was a customer when the year began, and no longer is when it ends. By month, a customer who cannot leave yet
-- would be at risk all the same, and a young company would look as if nobody ever left.
horizon as (
    select
        max(case when is_complete then month end) as last_month,
        min(month) as first_month
    from fct_customer_month
),

year_numbers as (
    select unnest(range(0, 50)) as year_no
),

years as (
    select
        cast(horizon.last_month - to_months(cast(12 * (year_numbers.year_no + 1) as integer)) as date) as start_month,
        cast(horizon.last_month - to_months(cast(12 * year_numbers.year_no as integer)) as date) as end_month
    from year_numbers
    cross join horizon
    where
        horizon.last_month - to_months(cast(12 * (year_numbers.year_no + 1) as integer)) >= horizon.first_month
),

at_risk as (
    select
        years.start_month,
        starts.person_id,
        coalesce(ends.is_active, false) as is_retained
    from years
    inner join fct_customer_month as starts on years.start_month = starts.month and starts.is_active
    left join fct_customer_month as ends
        on
            years.end_month = ends.month
            and starts.person_id = ends.person_id
),

churn as (
    select
        count(*) as at_risk_count,
        count(case when not is_retained then 1 end) as churned_count
    from at_risk
),

-- Revenue of a year over the customers that bought in it, who are the ones active when it ends. Over active months, the
-- months still to come of what was paid at once would be missing, and a growing company would look dear.
buyer_years as (
    select
        years.end_month,
        fct_customer_month.person_id,
        sum(fct_customer_month.revenue_amount) as revenue,
        sum(fct_customer_month.unvalued_deal_count) > 0 as is_unvalued
    from years
    inner join fct_customer_month
        on
            years.start_month < fct_customer_month.month
            and years.end_month >= fct_customer_month.month
    group by years.end_month, fct_customer_month.person_id
    having bool_or(fct_customer_month.month = years.end_month and fct_customer_month.is_active)
),

accounts as (
    -- Means of decimals: their sum does not depend on the order of the rows.
    select avg(revenue) as arpa_year
    from buyer_years
    where not is_unvalued
),

customers as (
    select
        person_id,
        cast(sum(revenue_amount) as decimal(18, 2)) as revenue,
        sum(unvalued_deal_count) > 0 as is_unvalued
    from fct_customer_month
    group by person_id
),

observed as (
    select
        count(case when not is_unvalued then 1 end) as customer_count,
        count(case when is_unvalued then 1 end) as unvalued_count,
        avg(case when not is_unvalued then revenue end) as mean_revenue,
        sqrt(
            greatest(
                0.0,
                cast(sum(case when not is_unvalued then revenue * revenue end) as double)
                - power(cast(sum(case when not is_unvalued then revenue end) as double), 2)
                / nullif(count(case when not is_unvalued then 1 end), 0)
            ) / nullif(count(case when not is_unvalued then 1 end) - 1, 0)
        ) as sd_revenue
    from customers
),

bases as (
    select
        'assumed' as basis,
        1 as priority,
        stg_config__company.lifetime_value as estimate,
        case
            when {{ meets_threshold('stg_config__company.lifetime_value', 'rule.comparator', 'rule.threshold') }}
                then 1.0
            else 0.0
        end as p_above
    from stg_config__company
    cross join rule
    where stg_config__company.lifetime_value is not null
    union all by name
    select
        'subscription' as basis,
        2 as priority,
        churn.churned_count as churn_k,
        churn.at_risk_count as churn_n,
        cast(accounts.arpa_year as double) as arpa_year,
        stg_config__company.gross_margin
    from stg_config__company
    cross join churn
    cross join accounts
    where stg_config__company.has_subscriptions
    union all by name
    select
        'observed' as basis,
        3 as priority,
        customer_count,
        unvalued_count,
        mean_revenue,
        sd_revenue
    from observed
),

ruled as (
    select
        bases.*,
        rule.threshold,
        rule.comparator,
        coalesce(bases.churn_n, 0) >= {{ var('min_n_rate') }} as has_churn,
        coalesce(bases.customer_count, 0) >= {{ var('min_n_rate') }} and bases.sd_revenue > 0 as has_spread,
        bases.sd_revenue / sqrt(bases.customer_count) as standard_error,
        bases.customer_count - 1.0 as freedom
    from bases
    cross join rule
),

-- Student's t through the incomplete beta function: P(|T| > t) = I(freedom / (freedom + t^2); freedom / 2, 1 / 2).
spread as (
    select
        *,
        (mean_revenue - threshold) / standard_error as t_value,
        case when has_spread then {{ beta_quantile('0.05', 'freedom / 2.0', '0.5') }} end as t_share,  -- noqa: PRS, LT02
        case when has_churn then arpa_year * gross_margin / threshold end as churn_limit,
        case
            when not has_churn then null
            when churn_k = 0 then 0.0
            else {{ beta_quantile('0.025', 'churn_k + 0.5', 'churn_n - churn_k + 0.5') }}
        end as churn_ci_low,
        case
            when not has_churn then null
            when churn_k = churn_n then 1.0
            else {{ beta_quantile('0.975', 'churn_k + 0.5', 'churn_n - churn_k + 0.5') }}
        end as churn_ci_high
    from ruled
),

judged as (
    select
        * exclude (estimate, p_above),
        case
            when basis = 'assumed' then estimate
            when basis = 'subscription' and has_churn then arpa_year * gross_margin / nullif(churn_k / churn_n, 0)
            when basis = 'observed' and has_spread then mean_revenue
        end as estimate,
        case
            when basis = 'subscription' then arpa_year * gross_margin / churn_ci_high
            when has_spread then mean_revenue - standard_error * sqrt(freedom / t_share - freedom)
        end as ci_low,
        case
            when basis = 'subscription' then arpa_year * gross_margin / nullif(churn_ci_low, 0)
            when has_spread then mean_revenue + standard_error * sqrt(freedom / t_share - freedom)
        end as ci_high,
        case
            when basis = 'assumed' then p_above
            -- A value above the threshold is a churn below the limit.
            when basis = 'subscription' and has_churn
                then {{ beta_cdf('churn_limit', '(churn_k + 0.5)', '(churn_n - churn_k + 0.5)') }}
            when has_spread and t_value > 0
                then 1.0 - 0.5 * {{ beta_cdf('freedom / (freedom + t_value * t_value)', 'freedom / 2.0', '0.5') }}
            when has_spread
                then 0.5 * {{ beta_cdf('freedom / (freedom + t_value * t_value)', 'freedom / 2.0', '0.5') }}
        end as p_above
    from spread
),

lifetime_values as (
    select
        *,
        p_above is not null and row_number() over (order by p_above is null, priority) = 1 as is_decisive
    from judged
)

select * from lifetime_values
