with

failures as (
    select * from {{ ref('int_crm__failed_casts') }}
)

select
    source_crm,
    object_name,
    field,
    count(*) as failed_count
from failures
group by source_crm, object_name, field
