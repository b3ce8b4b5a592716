with

handovers as (
    select * from {{ ref('int_handovers') }}
),

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

customers as (
    select * from {{ ref('int_cycle_customers') }}
),

-- A customer won without a logged closer touch was touched at some moment we don't know: no clock. A
-- hand-over nobody touched keeps its clock running to the cut, also when it was sent back.
joined as (
    select
        handovers.*,
        cycles.person_id,
        cycles.source_crm,
        cycles.motion_first,
        cycles.source,
        cycles.qualified_at,
        customers.customer_at,
        coalesce(customers.deal_count, 0) as deal_count,
        cycles.qualified_precision = 'instant'
        and coalesce(handovers.closer_touch_precision, 'instant') = 'instant' as has_instants,
        handovers.first_closer_touch_at is null and customers.customer_at is not null as is_unlogged
    from handovers
    inner join cycles on handovers.cycle_id = cycles.cycle_id
    left join customers on handovers.cycle_id = customers.cycle_id
)

select
    cycle_id,
    person_id,
    source_crm,
    motion_first,
    source,
    qualifier_rep_id,
    closer_rep_id,
    qualified_at,
    cast(date_trunc('month', {{ local_date('qualified_at') }}) as date) as qualified_month,
    accepted_at,
    first_closer_touch_at,
    cast(case when has_instants then handover_wm end as {{ double() }}) as handover_wm,
    cast(case when has_instants and not is_unlogged then coalesce(handover_wm, waiting_wm) end as {{ double() }})
        as speed_time_wm,
    has_instants and handover_wm is not null as is_speed_event,
    cast(age_working_days as {{ double() }}) as age_working_days,
    coalesce(qualifier_rep_id = closer_rep_id, false) as is_self_handover,
    rejected_at,
    rejected_reason,
    customer_at,
    cast(deal_count as integer) as deal_count,
    {{ publication_columns() }}
from joined
