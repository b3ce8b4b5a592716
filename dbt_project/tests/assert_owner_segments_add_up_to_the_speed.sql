-- Routing and owners share the speed clock without gap or overlap.
select
    cycle_id,
    speed_time_wm,
    routing_wm,
    owner_wm
from {{ ref('fct_lead_cycle') }}
where
    speed_time_wm is not null
    and not is_pre_touched
    and abs(speed_time_wm - routing_wm - owner_wm) > 0.001
