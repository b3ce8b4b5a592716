with

fct_deal_stage_interval as (
    select * from {{ ref('fct_deal_stage_interval') }}
    where not is_closed
),

dim_stage as (
    select * from {{ ref('dim_stage') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

flows as (
    select
        stage_key,
        entered_month as month,
        count(*) as entries,
        count(case when was_skipped then 1 end) as skipped,
        count(case when visit_no > 1 then 1 end) as reentries,
        count(case when outcome = 'advanced' then 1 end) as advanced,
        count(case when outcome = 'lost' then 1 end) as lost,
        count(case when outcome = 'won' then 1 end) as won,
        count(case when outcome = 'moved_back' then 1 end) as moved_back,
        count(case when outcome = 'handed_off' then 1 end) as handed_off,
        count(case when outcome = 'still_there' then 1 end) as still_there
    from fct_deal_stage_interval
    group by stage_key, entered_month
),

placed as (
    select
        flows.*,
        dim_stage.source_crm,
        dim_stage.pipeline_id,
        dim_stage.stage_id,
        dim_stage.stage_label,
        dim_stage.stage_order,
        flows.month <= int_metric_scope.latest_complete_month as is_complete
    from flows
    inner join dim_stage on flows.stage_key = dim_stage.stage_key
    cross join int_metric_scope
)

select
    stage_key,
    month,
    source_crm,
    pipeline_id,
    stage_id,
    stage_label,
    stage_order,
    is_complete,
    cast(entries as integer) as entries,
    cast(advanced as integer) as advanced,
    cast(lost as integer) as lost,
    cast(won as integer) as won,
    cast(moved_back as integer) as moved_back,
    cast(handed_off as integer) as handed_off,
    cast(still_there as integer) as still_there,
    cast(skipped as integer) as skipped,
    cast(reentries as integer) as reentries,
    {{ rate_columns('passed', 'advanced + won', 'entries', '1.0 - 1.0 * still_there / nullif(entries, 0)') }},
    {{ publication_columns() }}
from placed
