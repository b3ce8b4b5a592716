with

signals as (
    select * from {{ ref('int_crm__lead_signals') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
)

select distinct
    records.source_crm,
    signals.lead_id,
    records.person_id,
    records.source,
    signals.signal_at
from signals
inner join records on signals.lead_id = records.lead_id
where signals.signal_at <= {{ as_of() }}
