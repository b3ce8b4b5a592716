with

int_outbound_weeks as (
    select * from {{ ref('int_outbound_weeks') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

shown as (
    select
        int_outbound_weeks.*,
        int_outbound_weeks.week_start + 7 <= {{ local_date(as_of()) }} as is_complete
    from int_outbound_weeks
    cross join int_metric_scope
    where int_outbound_weeks.scope_type <> 'rep' or int_metric_scope.has_people_metrics
),

rolled as (
    select
        *,
        sum(active_day_count) over (
            partition by scope_type, scope_value order by week_start rows between 3 preceding and current row
        ) as active_4w,
        sum(working_day_count) over (
            partition by scope_type, scope_value order by week_start rows between 3 preceding and current row
        ) as working_4w,
        count(*) over (
            partition by scope_type, scope_value order by week_start rows between 12 preceding and current row
        ) as weeks_13w,
        avg(new_prospect_count) over (
            partition by scope_type, scope_value order by week_start rows between 12 preceding and current row
        ) as mean_13w,
        stddev_samp(new_prospect_count) over (
            partition by scope_type, scope_value order by week_start rows between 12 preceding and current row
        ) as deviation_13w
    from shown
)

select
    scope_type,
    scope_value,
    week_start,
    cast(isoyear(week_start) as integer) as iso_year,
    cast(week(week_start) as integer) as iso_week,
    is_complete,
    cast(touch_count as integer) as outbound_touches,
    cast(new_prospect_count as integer) as new_prospects,
    cast(reactivated_count as integer) as reactivated_prospects,
    cast(active_day_count as integer) as active_days,
    cast(working_day_count as integer) as working_days,
    cast(longest_gap_count as integer) as longest_gap_working_days,
    {{ rate_columns('active_days_4w', 'active_4w', 'working_4w') }},
    cast(case when weeks_13w = 13 then deviation_13w / nullif(mean_13w, 0) end as {{ double() }})
        as new_prospects_cv_13w,
    {{ publication_columns() }}
from rolled
