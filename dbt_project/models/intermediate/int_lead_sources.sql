with

lead_sources as (
    select * from {{ ref('stg_config__lead_sources') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

known as (
    select
        source,
        motion
    from records
    union all by name
    select
        source,
        motion
    from lead_sources
)

-- Two values of one group may be configured with two motions; the group is outbound only if all are.
select
    source,
    min(motion) as motion
from known
group by source
