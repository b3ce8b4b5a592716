-- One owner at a time.
with

intervals as (
    select
        record_kind,
        owned_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by record_kind, owned_id order by valid_from) as next_from
    from {{ ref('int_owner_intervals') }}
)

select * from intervals
where valid_to is distinct from next_from or valid_to <= valid_from
