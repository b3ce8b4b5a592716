with

scope as (
    select * from {{ ref('int_metric_scope') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
    where motion = 'inbound' and is_counted
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

int_outbound_touches as (
    select * from {{ ref('int_outbound_touches') }}
    where is_new_prospect
),

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
    where status = 'won' and won_at is not null
),

events as (
    select
        'inbound_leads' as metric_id,
        fct_lead_cycle.entered_local_date as event_date
    from int_cycle_outcomes
    inner join fct_lead_cycle on int_cycle_outcomes.cycle_id = fct_lead_cycle.cycle_id
    union all by name
    select
        'new_prospects' as metric_id,
        at_local_date as event_date
    from int_outbound_touches
    union all by name
    select
        'qualified_received' as metric_id,
        {{ local_date('fct_handover.qualified_at') }} as event_date
    from int_handover_outcomes
    inner join fct_handover on int_handover_outcomes.cycle_id = fct_handover.cycle_id
    union all by name
    select
        'deals_won' as metric_id,
        {{ local_date('won_at') }} as event_date
    from fct_deal
),

daily as (
    select
        metric_id,
        event_date,
        count(*) as event_count
    from events
    group by metric_id, event_date
),

metrics as (
    select unnest(['inbound_leads', 'new_prospects', 'qualified_received', 'deals_won']) as metric_id
),

-- The last day of which everything is known: the day of the cut is not over.
last_days as (
    select {{ local_date('complete_until_at') }} - 1 as last_day
    from scope
),

-- Where a day stands in its month: after how many working days, and how many days after the last of them, so that a
-- weekend that is still to come is not compared with one that has been.
numbered as (
    select
        date_day,
        month_start,
        is_working_day,
        cast(
            count(case when is_working_day then 1 end) over (
                partition by month_start order by date_day rows between unbounded preceding and current row
            ) as integer
        ) as working_day_no
    from dim_date
),

places as (
    select
        date_day,
        month_start,
        working_day_no,
        row_number() over (partition by month_start, working_day_no order by date_day) as day_after
    from numbered
),

reached as (
    select
        places.month_start as running_month,
        places.working_day_no,
        places.day_after,
        last_days.last_day
    from last_days
    inner join places on last_days.last_day = places.date_day
),

months as (
    select
        places.month_start as month,
        places.date_day,
        reached.running_month,
        reached.working_day_no,
        max(places.working_day_no) over (partition by places.month_start) as working_days,
        places.working_day_no < reached.working_day_no
        or (places.working_day_no = reached.working_day_no and places.day_after <= reached.day_after) as is_to_date,
        places.date_day <= reached.last_day as is_known
    from places
    cross join reached
    where
        places.month_start <= reached.running_month
        and places.month_start >= reached.running_month - interval 12 month
),

counted as (
    select
        metrics.metric_id,
        months.month,
        months.running_month,
        any_value(months.working_day_no) as working_day_no,
        any_value(months.working_days) as working_days,
        bool_and(months.is_known) as is_complete,
        coalesce(sum(case when months.is_to_date and months.is_known then daily.event_count end), 0) as count_to_date,
        coalesce(sum(case when months.is_known then daily.event_count end), 0) as count_known
    from months
    cross join metrics
    left join daily on metrics.metric_id = daily.metric_id and months.date_day = daily.event_date
    group by metrics.metric_id, months.month, months.running_month
),

-- Months before the first lead are not quiet months.
shown as (
    select counted.*
    from counted
    cross join scope
    where counted.month >= scope.first_month or counted.month = counted.running_month
)

select
    metric_id,
    month,
    month = running_month as is_running,
    is_complete,
    cast(least(working_day_no, working_days) as integer) as working_day_no,
    cast(working_days as integer) as working_days,
    cast(count_to_date as bigint) as count_to_date,
    cast(case when is_complete then count_known end as bigint) as month_total,
    cast(
        count(*) over (partition by metric_id order by month rows between 3 preceding and 1 preceding) as integer
    ) as months_before,
    cast(
        avg(count_to_date) over (partition by metric_id order by month rows between 3 preceding and 1 preceding)
        as {{ double() }}
    ) as mean_to_date_before,
    {{ publication_columns() }}
from shown
