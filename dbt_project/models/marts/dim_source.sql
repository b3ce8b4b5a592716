with

lead_sources as (
    select * from {{ ref('int_lead_sources') }}
)

select
    source,
    motion,
    {{ publication_columns() }}
from lead_sources
