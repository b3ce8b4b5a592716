{{ config(materialized='table') }}

-- Visits of deals to stages with how each ended. A stage that was jumped over on the way forward gets a visit of no
-- length, so that whoever was won passed every stage; a deal made in a later stage jumped over nothing.
with

stage_intervals as (
    select * from {{ ref('int_deal_stage_intervals') }}
),

stages as (
    select * from {{ ref('int_crm__deal_stages') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

visits as (
    select
        stage_intervals.*,
        deals.status,
        lead(stage_intervals.pipeline_id) over (
            partition by stage_intervals.deal_id order by stage_intervals.visit_no
        ) as next_pipeline_id,
        lead(stage_intervals.stage_order) over (
            partition by stage_intervals.deal_id order by stage_intervals.visit_no
        ) as next_stage_order,
        lead(stage_intervals.is_closed) over (
            partition by stage_intervals.deal_id order by stage_intervals.visit_no
        ) as is_next_closed,
        lead(stage_intervals.is_won) over (
            partition by stage_intervals.deal_id order by stage_intervals.visit_no
        ) as is_next_won,
        -- Where won and lost are no stages, the last visit ends when the deal does.
        case
            when stage_intervals.is_closed or stage_intervals.exited_at is not null then stage_intervals.exited_at
            when deals.closed_at is not null then greatest(deals.closed_at, stage_intervals.entered_at)
        end as ended_at
    from stage_intervals
    inner join deals on stage_intervals.deal_id = deals.deal_id
),

judged as (
    select
        *,
        case
            when exited_at is null and is_closed and is_won then 'won'
            when exited_at is null and is_closed then 'lost'
            when exited_at is null and status <> 'open' then status
            when exited_at is null then 'still_there'
            when is_next_closed and is_next_won then 'won'
            when is_next_closed then 'lost'
            when coalesce(next_pipeline_id, '') <> coalesce(pipeline_id, '') then 'handed_off'
            when next_stage_order < stage_order then 'moved_back'
            else 'advanced'
        end as outcome
    from visits
),

jumps as (
    select
        judged.deal_id,
        judged.visit_no,
        judged.source_crm,
        judged.pipeline_id,
        judged.outcome as jump_outcome,
        judged.ended_at,
        stages.stage_id,
        stages.stage_label,
        stages.stage_order,
        stages.is_accepted
    from judged
    inner join stages
        on
            judged.source_crm = stages.source_crm
            and judged.pipeline_id = stages.pipeline_id
            and judged.stage_order < stages.stage_order
            and (judged.outcome = 'won' or judged.next_stage_order > stages.stage_order)
    where
        not judged.is_closed
        and judged.outcome in ('advanced', 'won')
        and not stages.is_closed
        and not coalesce(stages.is_deleted, false)
),

seen as (
    select distinct
        deal_id,
        stage_id,
        min(visit_no) over (partition by deal_id, stage_id) as first_visit_no
    from judged
),

-- Nothing is skipped that the deal had been in before.
skipped as (
    select
        jumps.*,
        case
            when
                jumps.jump_outcome = 'won'
                and row_number() over (
                    partition by jumps.deal_id, jumps.visit_no order by jumps.stage_order desc, jumps.stage_id desc
                ) = 1
                then 'won'
            else 'advanced'
        end as outcome
    from jumps
    left join seen
        on
            jumps.deal_id = seen.deal_id
            and jumps.stage_id = seen.stage_id
            and jumps.visit_no >= seen.first_visit_no
    where seen.deal_id is null
),

jumped as (
    select distinct
        deal_id,
        visit_no
    from skipped
),

combined as (
    select
        judged.source_crm,
        judged.deal_id,
        judged.pipeline_id,
        judged.stage_id,
        judged.stage_label,
        judged.stage_order,
        judged.visit_no as deal_visit_no,
        -- Who jumped to the end passed the stages in between; the last of them is where the deal was won.
        case when judged.outcome = 'won' and jumped.deal_id is not null then 'advanced' else judged.outcome end
            as outcome,
        false as was_skipped,
        judged.is_closed,
        judged.is_won,
        judged.is_accepted,
        judged.is_backward,
        judged.entered_at,
        judged.ended_at as exited_at
    from judged
    left join jumped on judged.deal_id = jumped.deal_id and judged.visit_no = jumped.visit_no
    union all by name
    select
        source_crm,
        deal_id,
        pipeline_id,
        stage_id,
        stage_label,
        stage_order,
        visit_no as deal_visit_no,
        outcome,
        true as was_skipped,
        false as is_closed,
        false as is_won,
        is_accepted,
        false as is_backward,
        ended_at as entered_at,
        ended_at as exited_at
    from skipped
),

numbered as (
    select
        *,
        row_number() over (
            partition by deal_id order by deal_visit_no, was_skipped, stage_order, stage_id
        ) as step_no,
        row_number() over (
            partition by deal_id, pipeline_id, stage_id order by deal_visit_no, was_skipped
        ) as visit_no
    from combined
)

select * exclude (deal_visit_no) from numbered
