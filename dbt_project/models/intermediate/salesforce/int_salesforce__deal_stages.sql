with

stages as (
    select * from {{ ref('stg_salesforce__opportunity_stages') }}
),

accepted as (
    select * from {{ ref('stg_config__accepted_stages') }}
    where source_crm = 'salesforce'
),

listed as (
    select count(*) as accepted_count from accepted
),

open_stages as (
    select
        stage_id,
        row_number() over (order by stage_order, stage_id) as open_stage_no
    from stages
    where not coalesce(is_closed, false) and coalesce(is_active, true) and not is_deleted
)

-- One list of stages for all sales processes. Without a configured list, a hand-over counts as accepted from the
-- second stage.
select
    'salesforce' as source_crm,
    'default' as pipeline_id,
    stages.stage_id,
    coalesce(stages.stage_label, stages.stage_id) as stage_label,
    stages.stage_order,
    stages.default_probability as win_probability,
    coalesce(stages.is_closed, false) as is_closed,
    coalesce(stages.is_closed and stages.is_won, false) as is_won,
    case
        when coalesce(stages.is_closed, false) then coalesce(stages.is_won, false)
        when listed.accepted_count > 0 then accepted.stage_id is not null
        else coalesce(open_stages.open_stage_no, 1) > 1
    end as is_accepted,
    stages.is_deleted or not coalesce(stages.is_active, true) as is_deleted
from stages
cross join listed
left join open_stages on stages.stage_id = open_stages.stage_id
left join accepted on stages.stage_id = accepted.stage_id
-- A deleted stage may have been made anew under its name; the newest is the one.
qualify row_number() over (partition by stages.stage_id order by stages.is_deleted asc, stages.updated_at desc) = 1
