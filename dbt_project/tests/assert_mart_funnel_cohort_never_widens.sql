-- Among stages that count the same leads, a later stage holds no more than an earlier one.
with

mart_funnel_cohort as (
    select * from {{ ref('mart_funnel_cohort') }}
    where status = 'measured'
)

select
    later.period_type,
    later.period_start,
    later.motion,
    later.source,
    earlier.stage as earlier_stage,
    earlier.k as earlier_k,
    later.stage as later_stage,
    later.k as later_k
from mart_funnel_cohort as later
inner join mart_funnel_cohort as earlier
    on
        later.period_type = earlier.period_type
        and later.period_start = earlier.period_start
        and later.motion = earlier.motion
        and later.source = earlier.source
        and later.n = earlier.n
        and later.stage_no > earlier.stage_no
where later.k > earlier.k
