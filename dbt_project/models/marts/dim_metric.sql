with

catalogue as (
    select * from {{ ref('int_metrics') }}
)

select
    metric_id,
    name_nl,
    name_en,
    definition_nl,
    definition_en,
    time_vector,
    value_vector,
    grain,
    unit,
    direction,
    role,
    standard_term,
    owner,
    version,
    since,
    {{ publication_columns() }}
from catalogue
