with

stages as (
    select * from {{ ref('stg_pipedrive__stages') }}
),

accepted as (
    select * from {{ ref('stg_config__accepted_stages') }}
    where source_crm = 'pipedrive'
),

listed as (
    select count(*) as accepted_count from accepted
),

numbered as (
    select
        *,
        row_number() over (partition by pipeline_id order by stage_order, stage_id) as stage_no
    from stages
),

closings as (
    select
        pipeline_id,
        max(stage_order) as last_order
    from stages
    group by pipeline_id
)

-- Without a configured list, a hand-over counts as accepted from the pipeline's second stage.
select
    'pipedrive' as source_crm,
    numbered.pipeline_id,
    numbered.stage_id,
    numbered.stage_label,
    numbered.stage_order,
    numbered.deal_probability as win_probability,
    false as is_closed,
    false as is_won,
    case
        when listed.accepted_count > 0 then accepted.stage_id is not null
        else numbered.stage_no > 1
    end as is_accepted,
    numbered.is_deleted
from numbered
cross join listed
left join accepted on numbered.stage_id = accepted.stage_id
union all by name
select
    'pipedrive' as source_crm,
    pipeline_id,
    unnest(['won', 'lost']) as stage_id,
    unnest(['Won', 'Lost']) as stage_label,
    last_order + unnest([1, 2]) as stage_order,
    cast(unnest([1, 0]) as {{ double() }}) as win_probability,
    true as is_closed,
    unnest([true, false]) as is_won,
    unnest([true, false]) as is_accepted,
    false as is_deleted
from closings
