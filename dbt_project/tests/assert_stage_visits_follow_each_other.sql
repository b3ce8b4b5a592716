-- A visit ends where the next begins, and the last one is the stage the deal is in.
with

visits as (
    select
        deal_id,
        visit_no,
        entered_at,
        exited_at,
        lead(entered_at) over (partition by deal_id order by visit_no) as next_entered_at
    from {{ ref('int_deal_stage_intervals') }}
)

select * from visits
where exited_at is distinct from next_entered_at or exited_at < entered_at
