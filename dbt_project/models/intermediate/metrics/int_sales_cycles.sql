{{ config(materialized='table') }}

{%- set groups = ['slice_type', 'slice_value', 'month'] %}
{%- set keys = groups | join(', ') %}

-- Days from deal creation to won, with lost as a competing event (Aalen-Johansen), by the month of creation. The median
-- is the day on which half of the customers the cohort will bring had been won; the mean of the won deals so far would
-- favour the quick ones.
with

int_deal_outcomes as (
    select * from {{ ref('int_deal_outcomes') }}
),

sliced as (
    select
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value,
        created_month as month,
        cycle_days,
        status
    from int_deal_outcomes
    where created_month is not null and has_losses and cycle_days >= 0
),

tied as (
    select
        {{ keys }},
        cycle_days,
        count(*) as leaving,
        count(case when status = 'won' then 1 end) as won,
        count(case when status in ('won', 'lost') then 1 end) as settled
    from sliced
    group by {{ keys }}, cycle_days
),

at_risk as (
    select
        *,
        sum(leaving) over (
            partition by {{ keys }} order by cycle_days desc rows between unbounded preceding and current row
        ) as n_at_risk
    from tied
),

open_share as (
    select
        *,
        case
            when settled = n_at_risk then 0.0
            else exp(sum(case when settled < n_at_risk then ln(1.0 - cast(settled as double) / n_at_risk) end) over (
                partition by {{ keys }} order by cycle_days rows between unbounded preceding and current row
            ))
        end as still_open
    from at_risk
),

open_before as (
    select
        *,
        coalesce(lag(still_open) over (partition by {{ keys }} order by cycle_days), 1.0) as still_open_before
    from open_share
),

incidence as (
    select
        *,
        sum(still_open_before * won / n_at_risk) over (
            partition by {{ keys }} order by cycle_days rows between unbounded preceding and current row
        ) as won_share
    from open_before
),

final_shares as (
    select
        *,
        max(won_share) over (partition by {{ keys }}) as final_won_share,
        min(still_open) over (partition by {{ keys }}) as final_still_open
    from incidence
),

cycles as (
    select
        {{ keys }},
        sum(leaving) as deal_count,
        min(case when final_won_share > 0 and won_share >= final_won_share / 2.0 - 1e-9 then cycle_days end)
            as median_days,
        max(final_still_open) as still_open_share
    from final_shares
    group by {{ keys }}
)

select * from cycles
