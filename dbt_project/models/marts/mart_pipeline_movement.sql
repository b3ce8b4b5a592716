with

moves as (
    select * from {{ ref('int_pipeline_moves') }}
),

int_exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

reporting as (
    select distinct reporting_currency from int_exchange_rates
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

shown as (
    select moves.*
    from moves
    cross join int_metric_scope
    where moves.slice_type <> 'rep' or int_metric_scope.has_people_metrics
),

months as (
    select distinct
        month,
        currency_code,
        least(cast(month + interval 1 month as date) - 1, {{ local_date(as_of()) }}) as fx_date
    from shown
),

-- One rate a month, that of its last day: with two, a currency would move the pipeline although no deal did.
monthly_rates as (
    select
        months.month,
        months.currency_code,
        int_exchange_rates.rate as fx_rate
    from months
    asof left join int_exchange_rates
        on months.currency_code = int_exchange_rates.currency_code and months.fx_date >= int_exchange_rates.rate_date
),

-- Amounts are rounded before they are subtracted, so that what comes in and goes out adds up to the cent.
valued as (
    select
        shown.*,
        'original' as basis,
        coalesce(shown.currency_code, 'unknown') as shown_currency,
        shown.from_amount as from_value,
        shown.to_amount as to_value
    from shown
    union all by name
    select
        shown.*,
        'reporting' as basis,
        reporting.reporting_currency as shown_currency,
        cast(shown.from_amount * monthly_rates.fx_rate as decimal(18, 2)) as from_value,
        cast(shown.to_amount * monthly_rates.fx_rate as decimal(18, 2)) as to_value
    from shown
    cross join reporting
    left join monthly_rates
        on
            shown.month = monthly_rates.month
            and shown.currency_code is not distinct from monthly_rates.currency_code
),

signed as (
    select
        *,
        case
            when movement = 'changed' then abs(coalesce(to_value, 0) - coalesce(from_value, 0))
            else coalesce(to_value, 0)
        end as value,
        (to_amount is not null and to_value is null) or (from_amount is not null and from_value is null)
            as is_blocked,
        case
            when movement <> 'changed' then movement
            when coalesce(to_amount, 0) > coalesce(from_amount, 0) then 'increased'
            else 'decreased'
        end as shown_movement
    from valued
),

summed as (
    select
        month,
        slice_type,
        slice_value,
        basis,
        shown_currency as currency_code,
        count(distinct case when is_blocked then deal_id end) as blocked_deals,
        count(distinct case when to_amount is null then deal_id end) as deals_without_amount,
        count(*) filter (where shown_movement = 'start') as start_deals,
        count(*) filter (where shown_movement = 'created') as created_deals,
        count(*) filter (where shown_movement = 'pulled_in') as pulled_in_deals,
        count(*) filter (where shown_movement = 'increased') as increased_deals,
        count(*) filter (where shown_movement = 'decreased') as decreased_deals,
        count(*) filter (where shown_movement = 'pushed_out') as pushed_out_deals,
        count(*) filter (where shown_movement = 'lost') as lost_deals,
        count(*) filter (where shown_movement = 'won') as won_deals,
        count(*) filter (where shown_movement = 'end') as end_deals,
        coalesce(sum(value) filter (where shown_movement = 'start'), 0) as start_value,
        coalesce(sum(value) filter (where shown_movement = 'created'), 0) as created_value,
        coalesce(sum(value) filter (where shown_movement = 'pulled_in'), 0) as pulled_in_value,
        coalesce(sum(value) filter (where shown_movement = 'increased'), 0) as increased_value,
        coalesce(sum(value) filter (where shown_movement = 'decreased'), 0) as decreased_value,
        coalesce(sum(value) filter (where shown_movement = 'pushed_out'), 0) as pushed_out_value,
        coalesce(sum(value) filter (where shown_movement = 'lost'), 0) as lost_value,
        coalesce(sum(value) filter (where shown_movement = 'won'), 0) as won_value,
        coalesce(sum(value) filter (where shown_movement = 'end'), 0) as end_value
    from signed
    group by month, slice_type, slice_value, basis, shown_currency
),

judged as (
    select
        summed.*,
        summed.month <= int_metric_scope.latest_complete_month as is_complete,
        case when summed.blocked_deals > 0 then 'blocked' else 'measured' end as value_status
    from summed
    cross join int_metric_scope
)

select
    month,
    slice_type,
    slice_value,
    basis,
    currency_code,
    is_complete,
    cast(start_deals as integer) as start_deals,
    cast(created_deals as integer) as created_deals,
    cast(pulled_in_deals as integer) as pulled_in_deals,
    cast(increased_deals as integer) as increased_deals,
    cast(decreased_deals as integer) as decreased_deals,
    cast(pushed_out_deals as integer) as pushed_out_deals,
    cast(lost_deals as integer) as lost_deals,
    cast(won_deals as integer) as won_deals,
    cast(end_deals as integer) as end_deals,
    cast(case when value_status = 'measured' then start_value end as decimal(18, 2)) as start_amount,
    cast(case when value_status = 'measured' then created_value end as decimal(18, 2)) as created_amount,
    cast(case when value_status = 'measured' then pulled_in_value end as decimal(18, 2)) as pulled_in_amount,
    cast(case when value_status = 'measured' then increased_value end as decimal(18, 2)) as increased_amount,
    cast(case when value_status = 'measured' then decreased_value end as decimal(18, 2)) as decreased_amount,
    cast(case when value_status = 'measured' then pushed_out_value end as decimal(18, 2)) as pushed_out_amount,
    cast(case when value_status = 'measured' then lost_value end as decimal(18, 2)) as lost_amount,
    cast(case when value_status = 'measured' then won_value end as decimal(18, 2)) as won_amount,
    cast(case when value_status = 'measured' then end_value end as decimal(18, 2)) as end_amount,
    cast(deals_without_amount as integer) as deals_without_amount,
    cast(blocked_deals as integer) as blocked_deals,
    value_status,
    {{ publication_columns() }}
from judged
