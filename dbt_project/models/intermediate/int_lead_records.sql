{{ config(materialized='table') }}

with

records as (
    select * from {{ ref('int_crm__lead_records') }}
),

bridge as (
    select * from {{ ref('bridge_person_id') }}
),

lead_sources as (
    select * from {{ ref('stg_config__lead_sources') }}
),

placed as (
    select
        records.*,
        bridge.person_id,
        bridge.merged_at
    from records
    inner join bridge on records.source_crm = bridge.source_crm and records.person_source_id = bridge.source_id
),

-- A person is gone when every record that was not merged away is gone. The merged ones go along.
persons as (
    select
        person_id,
        coalesce(bool_and(is_deleted) filter (where not is_merged_away), false) as is_gone
    from placed
    group by person_id
),

sourced as (
    select
        placed.source_crm,
        placed.lead_id,
        placed.person_id,
        placed.owner_id,
        placed.source_value,
        coalesce(
            lead_sources.source,
            nullif(trim(regexp_replace(lower(placed.source_value), '[^a-z0-9]+', '_', 'g'), '_'), ''),
            'unknown'
        ) as source,
        coalesce(lead_sources.motion, 'inbound') as motion,
        placed.created_precision,
        placed.is_form,
        placed.is_merge_result,
        placed.is_merged_away,
        placed.created_at
    from placed
    inner join persons on placed.person_id = persons.person_id
    left join lead_sources on placed.source_value = lead_sources.crm_value
    where
        not persons.is_gone
        and not placed.is_deleted
        and (placed.created_at is null or placed.created_at <= {{ as_of() }})
),

-- 25 records of one source within two minutes are an import, not 25 people asking at once. A form is a
-- person, and a date without a time can't be within two minutes of anything.
counted as (
    select
        source_crm,
        lead_id,
        source,
        created_at,
        count(*) over (
            partition by source_crm, source order by created_at
            range between current row and interval 2 minutes following
        ) as within_count
    from sourced
    where created_precision = 'instant' and not is_form and created_at is not null
),

imported as (
    select
        lead_id,
        max(within_count) over (
            partition by source_crm, source order by created_at
            range between interval 2 minutes preceding and current row
        ) >= 25 as is_bulk_import
    from counted
)

select
    sourced.*,
    coalesce(imported.is_bulk_import, false) as is_bulk_import
from sourced
left join imported on sourced.lead_id = imported.lead_id
