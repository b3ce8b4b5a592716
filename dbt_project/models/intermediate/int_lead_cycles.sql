{{ config(materialized='table') }}

with

steps as (
    select * from {{ ref('int_cycle_steps') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

openings as (
    select * from steps
    where is_opening
),

-- The last closing stands: only a qualification can follow another one.
closings as (
    select * from steps
    where is_closing
    qualify row_number() over (partition by person_id, cycle_no order by event_no desc) = 1
),

hybrids as (
    select distinct
        person_id,
        cycle_no
    from steps
    where is_other_motion
),

cycles as (
    select
        md5(
            openings.lead_id || '|' || openings.entry_kind || '|' || cast(epoch_us(openings.event_at) as text)
        ) as cycle_id,
        openings.person_id,
        openings.lead_id,
        records.source_crm,
        openings.cycle_no,
        openings.motion as motion_first,
        openings.source,
        openings.entry_kind,
        openings.event_precision as entered_precision,
        coalesce(
            closings.milestone, case closings.event_kind when 'expiry' then 'expired' end, 'open'
        ) as outcome,
        closings.reason as disq_reason,
        case when closings.milestone = 'qualified' then closings.event_precision end as qualified_precision,
        case when closings.milestone = 'qualified' then closings.rep_source_id end as qualified_by_source_id,
        hybrids.person_id is not null as is_hybrid,
        openings.entry_kind = 'created' and openings.motion = 'inbound' and records.is_bulk_import as is_bulk_import,
        openings.event_at as entered_at,
        closings.event_at as closed_effective_at,
        case when closings.milestone = 'qualified' then closings.reached_at end as qualified_recorded_at,
        case when closings.event_kind = 'milestone' then closings.reached_at else closings.event_at end
            as closed_recorded_at,
        lead(openings.event_at) over (
            partition by openings.person_id order by openings.cycle_no
        ) as next_entered_at
    from openings
    inner join records on openings.lead_id = records.lead_id
    left join closings on openings.person_id = closings.person_id and openings.cycle_no = closings.cycle_no
    left join hybrids on openings.person_id = hybrids.person_id and openings.cycle_no = hybrids.cycle_no
)

-- A day-precise milestone on the day of entry is no earlier than the entry.
select
    * exclude (qualified_recorded_at, closed_recorded_at),
    case
        when
            qualified_recorded_at < entered_at
            and {{ local_date('qualified_recorded_at') }} = {{ local_date('entered_at') }}
            and qualified_precision = 'day'
            then entered_at
        else qualified_recorded_at
    end as qualified_at,
    case when closed_recorded_at is not null then greatest(closed_recorded_at, entered_at) end as closed_at
from cycles
