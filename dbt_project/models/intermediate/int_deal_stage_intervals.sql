{{ config(materialized='table') }}

with

changes as (
    select * from {{ ref('int_crm__deal_stage_changes') }}
),

stages as (
    select * from {{ ref('int_crm__deal_stages') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

placed as (
    select
        changes.*,
        lag(changes.pipeline_id || '/' || changes.stage_id) over (
            partition by changes.deal_id order by changes.changed_at, changes.stage_id
        ) as previous_stage
    from changes
    inner join deals on changes.deal_id = deals.deal_id
    where changes.changed_at <= {{ as_of() }}
),

-- Setting the same stage again is no visit; coming back to it later is a new one.
visits as (
    select
        *,
        lead(changed_at) over (partition by deal_id order by changed_at, stage_id) as exited_at,
        row_number() over (partition by deal_id order by changed_at, stage_id) as visit_no
    from placed
    where (pipeline_id || '/' || stage_id) is distinct from previous_stage
)

select
    visits.source_crm,
    visits.deal_id,
    visits.pipeline_id,
    visits.stage_id,
    coalesce(stages.stage_label, visits.stage_id) as stage_label,
    stages.stage_order,
    visits.visit_no,
    coalesce(stages.is_closed, false) as is_closed,
    coalesce(stages.is_won, false) as is_won,
    coalesce(stages.is_accepted, false) as is_accepted,
    coalesce(
        stages.stage_order < lag(stages.stage_order) over (partition by visits.deal_id order by visits.visit_no), false
    ) as is_backward,
    visits.changed_at as entered_at,
    visits.exited_at
from visits
left join stages on visits.pipeline_id = stages.pipeline_id and visits.stage_id = stages.stage_id
