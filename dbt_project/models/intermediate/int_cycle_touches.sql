{{ config(materialized='table') }}

with

touch_persons as (
    select * from {{ ref('int_touch_persons') }}
),

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

first_cycles as (
    select * from cycles
    where cycle_no = 1
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

placed as (
    select
        touch_persons.*,
        cycles.cycle_id as entered_cycle_id
    from touch_persons
    asof left join cycles
        on touch_persons.person_id = cycles.person_id and touch_persons.effective_at >= cycles.entered_at
),

-- A touch before any cycle belongs to the first: the lead was answered before it was typed in.
assigned as (
    select
        placed.*,
        coalesce(placed.entered_cycle_id, first_cycles.cycle_id) as cycle_id,
        placed.entered_cycle_id is null as is_before_entry
    from placed
    left join first_cycles on placed.person_id = first_cycles.person_id
)

select
    assigned.*,
    {{ worked_days('assigned.effective_at') }} as worked_days
from assigned
asof left join int_working_intervals
    on assigned.effective_at >= int_working_intervals.start_utc
where assigned.cycle_id is not null
