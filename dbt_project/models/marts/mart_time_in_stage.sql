with

stage_times as (
    select * from {{ ref('int_stage_times') }}
),

dim_stage as (
    select * from {{ ref('dim_stage') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

-- A roll is whole when its last month is; it is named by its first.
judged as (
    select
        stage_times.*,
        dim_stage.stage_key,
        dim_stage.stage_label,
        dim_stage.stage_order,
        case stage_times.period_type
            when 'month' then stage_times.period_start <= int_metric_scope.latest_complete_month
            when 'roll3'
                then stage_times.period_start + interval 2 month <= int_metric_scope.latest_complete_month
            else true
        end as is_complete,
        case when stage_times.n < {{ var('min_n_rate') }} then 'insufficient' else 'measured' end as time_status
    from stage_times
    inner join dim_stage
        on
            stage_times.source_crm = dim_stage.source_crm
            and stage_times.pipeline_id is not distinct from dim_stage.pipeline_id
            and stage_times.stage_id = dim_stage.stage_id
    cross join int_metric_scope
)

select
    stage_key,
    period_type,
    period_start,
    source_crm,
    pipeline_id,
    stage_id,
    stage_label,
    stage_order,
    is_complete,
    n,
    left_count,
    cast(n - left_count as bigint) as censored_count,
    cast(case when time_status = 'measured' then median_days end as {{ double() }}) as median_days,
    cast(case when time_status = 'measured' then median_ci_low_days end as {{ double() }}) as median_ci_low_days,
    cast(case when time_status = 'measured' then median_ci_high_days end as {{ double() }}) as median_ci_high_days,
    cast(case when time_status = 'measured' then p80_days end as {{ double() }}) as p80_days,
    time_status,
    {{ publication_columns() }}
from judged
