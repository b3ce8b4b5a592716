-- An export knows today's stage only.
select
    'csv' as source_crm,
    cast(null as text) as deal_id,
    cast(null as text) as pipeline_id,
    cast(null as text) as stage_id,
    cast(null as timestamptz) as changed_at
where false
