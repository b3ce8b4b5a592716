{{ config(materialized='table') }}

with

configured as (
    select * from {{ ref('stg_config__role_assignments') }}
),

reps as (
    select * from {{ ref('int_reps') }}
    where is_human
),

touch_serves as (
    select * from {{ ref('int_touch_serves') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

deal_links as (
    select * from {{ ref('int_deal_links') }}
),

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

-- What a person was seen doing, one unit a piece of work.
work as (
    select
        rep_source_id,
        serves as role,
        local_date as work_date
    from touch_serves
    where is_human_attempt and serves in ('inbound', 'outbound', 'closer')
    union all by name
    select
        cycles.qualified_by_source_id as rep_source_id,
        cycles.motion_first as role,
        {{ local_date('cycles.qualified_at') }} as work_date
    from cycles
    where cycles.qualified_at is not null
    union all by name
    select
        deals.qualified_by_id as rep_source_id,
        coalesce(cycles.motion_first, 'inbound') as role,
        {{ local_date('deals.first_seen_at') }} as work_date
    from deals
    inner join deal_links on deals.deal_id = deal_links.deal_id
    left join cycles on deal_links.cycle_id = cycles.cycle_id
    union all by name
    select
        coalesce(deals.closed_by_id, deals.owner_id) as rep_source_id,
        'closer' as role,
        {{ local_date('deals.closed_at') }} as work_date
    from deals
    where deals.closed_at is not null
),

mix as (
    select
        rep_source_id,
        role,
        count(*) as role_count,
        sum(count(*)) over (partition by rep_source_id) as work_count,
        min(work_date) as first_work_date
    from work
    where rep_source_id is not null and work_date is not null
    group by rep_source_id, role
),

-- A tenth of somebody's work is an occasion, not a role.
suggested as (
    select
        rep_source_id as rep_id,
        role,
        cast(role_count as {{ double() }})
        / sum(role_count) over (partition by rep_source_id) as share,
        cast(null as text) as seniority,
        min(first_work_date) over (partition by rep_source_id) as valid_from,
        cast(null as date) as valid_to
    from mix
    where role_count >= 0.1 * work_count
),

assignments as (
    select
        rep_id,
        role,
        share,
        seniority,
        coalesce(valid_from, date '1900-01-01') as valid_from,
        valid_to,
        'config' as origin
    from configured
    union all by name
    select
        rep_id,
        role,
        share,
        seniority,
        valid_from,
        valid_to,
        'inferred' as origin
    from suggested
    where (select count(*) from configured) = 0
)

select
    assignments.rep_id as rep_source_id,
    reps.rep_id,
    assignments.role,
    coalesce(assignments.seniority, reps.seniority) as seniority,
    assignments.origin,
    cast(assignments.share as {{ double() }}) as share,
    assignments.valid_from,
    assignments.valid_to
from assignments
inner join reps on assignments.rep_id = reps.rep_source_id
