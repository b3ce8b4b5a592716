-- One change at a time, from the CRM's figure to ours. The differences telescope: what is after one cause is before the
-- next, and each figure is a decimal, so that they add up to the last digit.
with

int_months as (
    select * from {{ ref('int_months') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
),

causes as (
    select * from {{ ref('int_reconciliation_causes') }}
),

int_reconciliation_deals as (
    select * from {{ ref('int_reconciliation_deals') }}
),

int_reconciliation_leads as (
    select * from {{ ref('int_reconciliation_leads') }}
),

int_reconciliation_speed as (
    select * from {{ ref('int_reconciliation_speed') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
),

mart_closer_month as (
    select * from {{ ref('mart_closer_month') }}
),

postings as (
    select * from int_reconciliation_deals
    union all by name
    select * from int_reconciliation_leads
),

sliced as (
    select
        metric_id,
        cause,
        month,
        unnest(['all', 'rep']) as slice_type,
        unnest(['all', rep_id]) as slice_value,
        k,
        n,
        amount
    from postings
),

posted as (
    select
        metric_id,
        cause,
        month,
        slice_type,
        slice_value,
        sum(k) as k,
        sum(n) as n,
        sum(amount) as amount
    from sliced
    group by metric_id, cause, month, slice_type, slice_value
),

-- The whole team has every month; a rep the months in which something was counted, here or there.
keys as (
    select distinct
        causes.metric_id,
        int_months.month,
        'all' as slice_type,
        'all' as slice_value
    from causes
    cross join int_months
    union
    select
        posted.metric_id,
        posted.month,
        posted.slice_type,
        posted.slice_value
    from posted
    cross join int_metric_scope
    where posted.slice_type = 'rep' and int_metric_scope.has_people_metrics
    union
    select
        int_reconciliation_speed.metric_id,
        int_reconciliation_speed.month,
        int_reconciliation_speed.slice_type,
        int_reconciliation_speed.slice_value
    from int_reconciliation_speed
    cross join int_metric_scope
    where int_reconciliation_speed.slice_type = 'rep' and int_metric_scope.has_people_metrics
),

-- What lies before the first month of the marts (a closing before the first lead) is in no mart and not here.
cells as (
    select
        keys.metric_id,
        keys.slice_type,
        keys.slice_value,
        keys.month,
        int_months.is_complete,
        causes.cause_no,
        causes.cause,
        causes.cause_nl,
        causes.cause_en
    from keys
    inner join int_months on keys.month = int_months.month
    inner join causes on keys.metric_id = causes.metric_id
),

counted as (
    select
        cells.*,
        int_reconciliation_speed.n as answered_n,
        int_reconciliation_speed.figure as speed,
        sum(coalesce(posted.k, 0)) over so_far as k,
        sum(coalesce(posted.n, 0)) over so_far as n,
        sum(coalesce(posted.amount, 0)) over so_far as amount
    from cells
    left join posted
        on
            cells.metric_id = posted.metric_id
            and cells.cause = posted.cause
            and cells.month = posted.month
            and cells.slice_type = posted.slice_type
            and cells.slice_value = posted.slice_value
    left join int_reconciliation_speed
        on
            cells.metric_id = int_reconciliation_speed.metric_id
            and cells.cause = int_reconciliation_speed.cause
            and cells.month = int_reconciliation_speed.month
            and cells.slice_type = int_reconciliation_speed.slice_type
            and cells.slice_value = int_reconciliation_speed.slice_value
    window so_far as (
        partition by cells.metric_id, cells.slice_type, cells.slice_value, cells.month
        order by cells.cause_no rows between unbounded preceding and current row
    )
),

figured as (
    select
        * exclude (k, n, amount, speed, answered_n),
        cast(case
            when metric_id = 'lead_speed_median' then null
            else k
        end as bigint) as k,
        cast(case
            when metric_id = 'lead_speed_median' then coalesce(answered_n, 0)
            when metric_id in ('win_rate', 'lead_to_qualified_conversion') then n
        end as bigint) as n,
        cast(case
            when metric_id = 'lead_speed_median' then speed
            when metric_id = 'won_amount' then amount
            when metric_id in ('win_rate', 'lead_to_qualified_conversion')
                then round(cast(k as {{ double() }}) / nullif(n, 0), 6)
            else k
        end as decimal(18, 6)) as figure
    from counted
),

-- Where a figure does not exist half-way (nothing left to divide by), its change is told with the next one.
carried as (
    select
        *,
        last_value(figure ignore nulls) over so_far as value_after,
        first_value(figure) over whole as first_figure,
        last_value(figure) over whole as last_figure,
        first_value(k) over whole as crm_k,
        first_value(n) over whole as crm_n,
        last_value(k) over whole as our_k,
        last_value(n) over whole as our_n,
        lag(k) over so_far as k_before,
        lag(n) over so_far as n_before
    from figured
    window so_far as (
        partition by metric_id, slice_type, slice_value, month
        order by cause_no rows between unbounded preceding and current row
    ),
    whole as (
        partition by metric_id, slice_type, slice_value, month
        order by cause_no rows between unbounded preceding and unbounded following
    )
),

judged as (
    select
        carried.*,
        lag(carried.value_after) over (
            partition by carried.metric_id, carried.slice_type, carried.slice_value, carried.month
            order by carried.cause_no
        ) as value_before,
        case
            when
                carried.metric_id = 'win_rate' and mart_closer_month.win_rate_grade = 'not_measurable'
                or carried.metric_id = 'lead_to_qualified_conversion'
                and mart_inbound_month.lead_to_qualified_grade = 'not_measurable'
                or carried.metric_id = 'lead_speed_median' and mart_inbound_month.lead_speed_status = 'not_measurable'
                then 'not_measurable'
            when
                carried.metric_id in ('win_rate', 'lead_to_qualified_conversion', 'lead_speed_median')
                and carried.our_n < {{ var('min_n_rate') }}
                then 'insufficient'
            when
                carried.last_figure is null
                or carried.metric_id = 'won_amount'
                and mart_closer_month.month is not null
                and mart_closer_month.won_amount is null
                then 'not_reached'
            when carried.first_figure is null then 'no_crm_figure'
            else 'measured'
        end as status
    from carried
    left join mart_closer_month
        on
            carried.month = mart_closer_month.month
            and carried.slice_type = mart_closer_month.slice_type
            and carried.slice_value = mart_closer_month.slice_value
    left join mart_inbound_month
        on
            carried.month = mart_inbound_month.month
            and carried.slice_type = mart_inbound_month.slice_type
            and carried.slice_value = mart_inbound_month.slice_value
),

published as (
    select
        judged.metric_id,
        judged.slice_type,
        judged.slice_value,
        judged.month,
        judged.is_complete,
        judged.cause_no,
        judged.cause,
        judged.cause_nl,
        judged.cause_en,
        judged.first_figure as crm_value,
        judged.crm_k,
        judged.crm_n,
        case when judged.status in ('measured', 'no_crm_figure') then judged.last_figure end as our_value,
        judged.our_k,
        judged.our_n,
        {% for column, value in [('difference', 'judged.last_figure - judged.first_figure'),
            ('value_before', 'judged.value_before'), ('value_after', 'judged.value_after'),
            ('contribution', 'judged.value_after - judged.value_before')] -%}
            cast(case when judged.status = 'measured' then {{ value }} end as decimal(18, 6)) as {{ column }},
        {% endfor -%}
        cast(judged.k - judged.k_before as bigint) as k_contribution,
        cast(judged.n - judged.n_before as bigint) as n_contribution,
        judged.status,
        int_metrics.unit,
        int_metrics.version as metric_version,
        {{ publication_columns() }}
    from judged
    left join int_metrics on judged.metric_id = int_metrics.metric_id
    where judged.cause_no > 0
)

select * from published
