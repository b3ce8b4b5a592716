-- To the last digit: the figures are decimals and the counts whole numbers.
with

mart_reconciliation as (
    select * from {{ ref('mart_reconciliation') }}
),

summed as (
    select
        metric_id,
        slice_type,
        slice_value,
        month,
        any_value(status) as status,
        any_value(crm_value) as crm_value,
        any_value(our_value) as our_value,
        any_value(difference) as difference,
        sum(contribution) as contributions,
        any_value(our_k) - any_value(crm_k) as k_difference,
        sum(k_contribution) as k_contributions,
        any_value(our_n) - any_value(crm_n) as n_difference,
        sum(n_contribution) as n_contributions
    from mart_reconciliation
    group by metric_id, slice_type, slice_value, month
)

select * from summed
where
    (status = 'measured' and contributions is distinct from our_value - crm_value)
    or contributions is distinct from difference
    or k_contributions is distinct from k_difference
    or n_contributions is distinct from n_difference
