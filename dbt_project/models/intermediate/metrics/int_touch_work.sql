{{ config(materialized='table') }}

-- What each touch served, whoever made it: a closer who cold-calls does outbound work. role_at_event is the role of the
-- person, so it cannot show that somebody works outside it.
with

fct_touch as (
    select * from {{ ref('fct_touch') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

work as (
    select
        fct_touch.touch_id,
        fct_touch.source_crm,
        fct_touch.person_id,
        fct_touch.cycle_id,
        fct_touch.rep_id,
        fct_touch.direction,
        fct_touch.actor,
        fct_touch.kind,
        fct_touch.result,
        fct_touch.precision,
        coalesce(fct_lead_cycle.source, 'unknown') as source,
        case
            when fct_touch.role_at_event = 'relationship' then 'relationship'
            when fct_touch.at_utc > fct_lead_cycle.qualified_at then 'closer'
            when fct_touch.deal_id is not null then 'closer'
            else coalesce(fct_lead_cycle.motion_first, fct_touch.role_at_event)
        end as serves,
        fct_touch.is_human_attempt,
        fct_lead_cycle.excluded_reason is not null as is_excluded,
        fct_touch.at_utc,
        fct_touch.at_local_date
    from fct_touch
    left join fct_lead_cycle on fct_touch.cycle_id = fct_lead_cycle.cycle_id
    where fct_touch.at_utc <= {{ as_of() }}
)

select * from work
