-- Conservation: a live lead record of an inbound source has a cycle, or no creation date to begin one with.
select
    int_lead_records.lead_id,
    int_lead_records.source
from {{ ref('int_lead_records') }} as int_lead_records
left join {{ ref('fct_lead_cycle') }} as fct_lead_cycle on int_lead_records.person_id = fct_lead_cycle.person_id
where
    int_lead_records.motion = 'inbound'
    and int_lead_records.created_at is not null
    and fct_lead_cycle.cycle_id is null
