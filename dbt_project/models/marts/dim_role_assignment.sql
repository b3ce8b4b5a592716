with

assignments as (
    select * from {{ ref('int_role_assignments') }}
)

select
    rep_id,
    role,
    share,
    valid_from,
    valid_to,
    seniority,
    origin,
    {{ publication_columns() }}
from assignments
