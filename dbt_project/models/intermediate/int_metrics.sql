with

catalogue as (
    select * from {{ ref('stg_config__metric_catalogue') }}
)

select
    * replace (
        cast(version as integer) as version,
        cast(since as date) as since
    )
from catalogue
