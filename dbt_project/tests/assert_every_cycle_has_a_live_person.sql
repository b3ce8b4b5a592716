-- Conservation: nobody who was deleted is counted, and nobody twice under two ids.
select fct_lead_cycle.cycle_id
from {{ ref('fct_lead_cycle') }} as fct_lead_cycle
left join {{ ref('int_persons') }} as int_persons on fct_lead_cycle.person_id = int_persons.person_id
where int_persons.person_id is null
