{{ config(materialized='table') }}

with

records as (
    select * from {{ ref('int_lead_records') }}
)

select
    person_id,
    min(source_crm) as source_crm,
    count(*) as record_count,
    min(created_at) as first_created_at,
    min(created_at) filter (where motion = 'inbound') as first_inbound_created_at
from records
group by person_id
