with

stages as (
    select * from {{ ref('int_crm__deal_stages') }}
),

stage_intervals as (
    select * from {{ ref('int_deal_stage_intervals') }}
),

probabilities as (
    select * from {{ ref('int_stage_probabilities') }}
    where is_now
),

listed as (
    select
        source_crm,
        pipeline_id,
        stage_id,
        coalesce(stage_label, stage_id) as stage_label,
        stage_order,
        win_probability,
        case
            when is_closed and is_won then 'won'
            when is_closed then 'lost'
            when is_accepted then 'qualified'
            else 'open'
        end as class,
        coalesce(is_deleted, false) as is_deleted
    from stages
),

-- A stage that no list names any more was deleted; history keeps it.
remembered as (
    select
        stage_intervals.source_crm,
        stage_intervals.pipeline_id,
        stage_intervals.stage_id,
        max(stage_intervals.stage_label) as stage_label,
        cast(null as integer) as stage_order,
        cast(null as {{ double() }}) as win_probability,
        'open' as class,
        true as is_deleted
    from stage_intervals
    left join listed
        on
            stage_intervals.source_crm = listed.source_crm
            and stage_intervals.pipeline_id is not distinct from listed.pipeline_id
            and stage_intervals.stage_id = listed.stage_id
    where listed.stage_id is null
    group by stage_intervals.source_crm, stage_intervals.pipeline_id, stage_intervals.stage_id
),

all_stages as (
    select * from listed
    union all by name
    select * from remembered
)

select
    {{ stage_key('all_stages.source_crm', 'all_stages.pipeline_id', 'all_stages.stage_id') }} as stage_key,
    all_stages.source_crm,
    all_stages.pipeline_id,
    all_stages.stage_id,
    all_stages.stage_label,
    all_stages.stage_order,
    all_stages.class,
    all_stages.is_deleted,
    {{ rate_columns('won', 'coalesce(probabilities.won_count, 0)', 'coalesce(probabilities.settled_count, 0)') }},
    cast(all_stages.win_probability as {{ double() }}) as crm_probability,
    cast(
        case
            when all_stages.class = 'won' then 1.0
            when all_stages.class = 'lost' then 0.0
            else coalesce(probabilities.win_probability, all_stages.win_probability)
        end as {{ double() }}
    ) as win_probability,
    case
        when all_stages.class in ('won', 'lost') then 'closed'
        when probabilities.win_probability is not null then probabilities.basis
        when all_stages.win_probability is not null then 'crm'
        else 'unknown'
    end as win_probability_basis,
    {{ publication_columns() }}
from all_stages
left join probabilities
    on
        all_stages.source_crm = probabilities.source_crm
        and all_stages.pipeline_id is not distinct from probabilities.pipeline_id
        and all_stages.stage_id = probabilities.stage_id
