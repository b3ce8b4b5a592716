with

stages as (
    select * from {{ ref('stg_odoo__stages') }}
),

accepted as (
    select * from {{ ref('stg_config__accepted_stages') }}
    where source_crm = 'odoo'
),

listed as (
    select count(*) as accepted_count from accepted
),

open_stages as (
    select
        stage_id,
        row_number() over (order by stage_order, try_cast(stage_id as bigint)) as open_stage_no
    from stages
    where not coalesce(is_won, false)
),

-- What is lost keeps its stage. Without a configured list, a hand-over counts as accepted from the second stage.
labelled as (
    select
        stages.stage_id,
        stages.stage_label,
        stages.stage_order,
        coalesce(stages.is_won, false) as is_won,
        stages.is_deleted,
        case
            when coalesce(stages.is_won, false) then true
            when listed.accepted_count > 0
                then
                    stages.stage_id in (select accepted.stage_id from accepted)
                    or coalesce(stages.stage_label in (select accepted.stage_id from accepted), false)
            else coalesce(open_stages.open_stage_no, 1) > 1
        end as is_accepted
    from stages
    cross join listed
    left join open_stages on stages.stage_id = open_stages.stage_id
)

select
    'odoo' as source_crm,
    'crm' as pipeline_id,
    stage_id,
    stage_label,
    stage_order,
    cast(null as {{ double() }}) as win_probability,
    is_won as is_closed,
    is_won,
    is_accepted,
    is_deleted
from labelled
