with

leads as (
    select * from {{ ref('stg_csv__leads') }}
)

select
    'csv' as source_crm,
    lead_id,
    'qualified' as state_field,
    'qualified' as milestone,
    'qualified' as state_value,
    qualified_by_id as changed_by_rep_id,
    qualified_by_id as changed_by_key,
    qualified_precision as changed_precision,
    false as is_possibly_inherited,
    qualified_at as changed_at
from leads
where qualified_at is not null
union all by name
select
    'csv' as source_crm,
    lead_id,
    'disqualified' as state_field,
    'disqualified' as milestone,
    coalesce(disqualified_reason, 'disqualified') as state_value,
    owner_id as changed_by_rep_id,
    owner_id as changed_by_key,
    disqualified_precision as changed_precision,
    false as is_possibly_inherited,
    disqualified_at as changed_at
from leads
where disqualified_at is not null
