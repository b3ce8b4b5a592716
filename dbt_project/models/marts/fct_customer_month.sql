{%- set month_of_cut = "cast(date_trunc('month', " ~ local_date(as_of()) ~ ") as date)" %}

with

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

-- A deal has one customer here, so that revenue is counted once; a link weaker than 0.85 makes nobody a customer.
won_deals as (
    select
        person_id,
        source_crm,
        closed_month as month,
        amount_reporting
    from fct_deal
    where status = 'won' and person_id is not null and link_confidence >= 0.85
),

revenues as (
    select
        person_id,
        month,
        count(*) as won_deal_count,
        count(*) - count(amount_reporting) as unvalued_deal_count,
        sum(amount_reporting) as known_amount
    from won_deals
    group by person_id, month
),

customers as (
    select
        person_id,
        min(source_crm) as source_crm,
        min(month) as first_month
    from won_deals
    group by person_id
),

months as (
    select
        *,
        cast(unnest(generate_series(first_month, {{ month_of_cut }}, interval 1 month)) as date) as month
    from customers
),

-- Without subscriptions nobody says when a customer leaves: active is who bought in the last twelve months.
running as (
    select
        months.*,
        coalesce(revenues.won_deal_count, 0) as won_deal_count,
        coalesce(revenues.unvalued_deal_count, 0) as unvalued_deal_count,
        case when coalesce(revenues.unvalued_deal_count, 0) = 0 then coalesce(revenues.known_amount, 0) end
            as revenue_amount,
        max(revenues.month) over (
            partition by months.person_id order by months.month rows between unbounded preceding and current row
        ) as last_won_month
    from months
    left join revenues on months.person_id = revenues.person_id and months.month = revenues.month
)

select
    person_id,
    month,
    source_crm,
    cast(won_deal_count as integer) as won_deal_count,
    cast(unvalued_deal_count as integer) as unvalued_deal_count,
    cast(revenue_amount as decimal(18, 2)) as revenue_amount,
    cast(date_diff('month', first_month, month) as integer) as months_since_first_won,
    date_diff('month', last_won_month, month) < 12 as is_active,
    month < {{ month_of_cut }} as is_complete,
    {{ publication_columns() }}
from running
