with

stages as (
    select * from {{ ref('stg_hubspot__deal_stages') }}
),

accepted as (
    select * from {{ ref('stg_config__accepted_stages') }}
    where source_crm = 'hubspot'
),

listed as (
    select count(*) as accepted_count from accepted
),

open_stages as (
    select
        pipeline_id,
        stage_id,
        row_number() over (partition by pipeline_id order by stage_order, stage_id) as open_stage_no
    from stages
    where not coalesce(is_closed, false)
),

-- Without a configured list, a hand-over counts as accepted from the pipeline's second stage.
labelled as (
    select
        stages.pipeline_id,
        stages.stage_id,
        stages.stage_label,
        stages.stage_order,
        stages.probability as win_probability,
        coalesce(stages.is_closed, false) as is_closed,
        coalesce(stages.is_closed, false) and coalesce(stages.probability, 0) >= 1 as is_won,
        case
            when coalesce(stages.is_closed, false) then coalesce(stages.probability, 0) >= 1
            when listed.accepted_count > 0 then accepted.stage_id is not null
            else coalesce(open_stages.open_stage_no, 1) > 1
        end as is_accepted,
        stages.is_deleted or coalesce(stages.is_archived, false) as is_deleted
    from stages
    cross join listed
    left join open_stages on stages.pipeline_id = open_stages.pipeline_id and stages.stage_id = open_stages.stage_id
    left join accepted on stages.stage_id = accepted.stage_id
)

select
    'hubspot' as source_crm,
    pipeline_id,
    stage_id,
    stage_label,
    stage_order,
    win_probability,
    is_closed,
    is_won,
    is_accepted,
    is_deleted
from labelled
