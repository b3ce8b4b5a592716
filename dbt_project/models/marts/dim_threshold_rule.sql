with

rules as (
    select * from {{ ref('int_threshold_rules') }}
)

select
    rule_id,
    role,
    metric,
    comparator,
    threshold,
    unit,
    source_sentence,
    effect,
    {{ publication_columns() }}
from rules
