-- A speed below 0 is data in an impossible order; more than one in two hundred is a fault of ours.
with

speeds as (
    select
        count(*) filter (where ttfa_wm < 0 or ttfc_wm < 0 or ttfq_wm < 0) as negative_count,
        count(*) as cycle_count
    from {{ ref('fct_lead_cycle') }}
)

select * from speeds
where negative_count > 0.005 * cycle_count
