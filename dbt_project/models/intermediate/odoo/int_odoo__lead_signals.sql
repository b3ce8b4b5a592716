with

records as (
    select * from {{ ref('int_odoo__lead_records') }}
)

-- Each form makes a lead of its own.
select
    source_crm,
    lead_id,
    created_at as signal_at
from records
where is_form and created_at is not null
