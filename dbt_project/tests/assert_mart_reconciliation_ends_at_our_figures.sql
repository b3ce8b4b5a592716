-- The last figure of the chain is the one of the wide marts, for each slice and month that they have.
with

ends as (
    select
        metric_id,
        slice_type,
        slice_value,
        month,
        our_k,
        our_n,
        our_value
    from {{ ref('mart_reconciliation') }}
    where cause_no = 1
),

published as (
    select
        slice_type,
        slice_value,
        month,
        unnest(['inbound_leads', 'lead_to_qualified_conversion', 'lead_speed_median']) as metric_id,
        unnest([inbound_leads, lead_to_qualified_k, null]) as k,
        unnest([null, lead_to_qualified_n, lead_speed_n]) as n,
        unnest([inbound_leads, lead_to_qualified_estimate, lead_speed_median_wm]) as figure
    from {{ ref('mart_inbound_month') }}
    where slice_type <> 'source'
    union all by name
    select
        slice_type,
        slice_value,
        month,
        unnest(['qualified_received', 'win_rate', 'won_amount']) as metric_id,
        unnest([qualified_received, win_rate_k, null]) as k,
        unnest([null, win_rate_n, null]) as n,
        unnest([qualified_received, win_rate_estimate, cast(won_amount as double)]) as figure
    from {{ ref('mart_closer_month') }}
    where slice_type <> 'source'
)

select
    published.*,
    ends.our_k,
    ends.our_n,
    ends.our_value
from published
left join ends
    on
        published.metric_id = ends.metric_id
        and published.slice_type = ends.slice_type
        and published.slice_value = ends.slice_value
        and published.month = ends.month
where
    coalesce(ends.our_k, 0) <> coalesce(published.k, coalesce(ends.our_k, 0))
    or coalesce(ends.our_n, 0) <> coalesce(published.n, coalesce(ends.our_n, 0))
    or (published.figure is null) <> (ends.our_value is null) and ends.metric_id is not null
    or abs(published.figure - ends.our_value) > 1e-6
