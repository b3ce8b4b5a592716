with

deals as (
    select * from {{ ref('stg_csv__deals') }}
)

select
    'csv' as source_crm,
    deal_id,
    lead_id,
    'native' as link_method,
    cast(1.0 as {{ double() }}) as link_confidence
from deals
where lead_id is not null
