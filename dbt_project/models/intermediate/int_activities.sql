with

activities as (
    select * from {{ ref('int_crm__activities') }}
)

-- What lies after the cut is planned, whatever its status says.
select
    * replace (is_completed and completed_at <= {{ as_of() }} as is_completed),
    {{ effective_instant('completed_at', 'completed_precision') }} as effective_at
from activities
where not is_deleted and completed_at is not null
