with

moves as (
    select * from {{ ref('int_pipedrive__deal_moves') }}
)

select
    'pipedrive' as source_crm,
    deal_id,
    pipeline_id,
    stage_id,
    changed_at
from moves
