{{ config(materialized='table') }}

with recursive

edges as (
    select * from {{ ref('int_crm__merges') }}
),

records as (
    select * from {{ ref('int_crm__lead_records') }}
),

ids as (
    select
        source_crm,
        person_source_id as source_id
    from records
    union
    select
        source_crm,
        source_id
    from edges
    union
    select
        source_crm,
        into_id as source_id
    from edges
),

-- `union` drops repeats, so two records that name each other end instead of running for ever.
walk as (
    select
        source_crm,
        source_id,
        source_id as reached_id,
        cast(null as timestamptz) as merged_at,
        0 as hops
    from ids
    union
    select
        walk.source_crm,
        walk.source_id,
        edges.into_id as reached_id,
        coalesce(walk.merged_at, edges.merged_at) as merged_at,
        walk.hops + 1 as hops
    from walk
    inner join edges on walk.source_crm = edges.source_crm and walk.reached_id = edges.source_id
    where walk.hops < 50
),

furthest as (
    select
        source_crm,
        source_id,
        reached_id as person_id,
        merged_at
    from walk
    qualify row_number() over (partition by source_crm, source_id order by hops desc, reached_id asc) = 1
)

select * from furthest
