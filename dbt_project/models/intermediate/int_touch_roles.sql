{{ config(materialized='table') }}

with

touch_serves as (
    select * from {{ ref('int_touch_serves') }}
),

assignments as (
    select * from {{ ref('int_role_assignments') }}
),

-- One role: that one. Several: the one the touch serves, else the largest.
held as (
    select
        touch_serves.touch_id,
        assignments.role,
        touch_serves.serves
    from touch_serves
    inner join assignments on touch_serves.rep_source_id = assignments.rep_source_id
    where
        touch_serves.local_date >= assignments.valid_from
        and (assignments.valid_to is null or touch_serves.local_date <= assignments.valid_to)
    qualify row_number() over (
        partition by touch_serves.touch_id
        order by
            coalesce(assignments.role = touch_serves.serves, false) desc,
            assignments.share desc,
            assignments.role asc
    ) = 1
)

select
    touch_serves.touch_id,
    case
        when held.role is null then 'unassigned'
        when touch_serves.serves = 'relationship' then 'relationship'
        else held.role
    end as role_at_event
from touch_serves
left join held on touch_serves.touch_id = held.touch_id
