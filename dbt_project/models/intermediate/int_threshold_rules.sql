with

rules as (
    select * from {{ ref('stg_config__threshold_rules') }}
)

select * replace (cast(threshold as {{ double() }}) as threshold)
from rules
