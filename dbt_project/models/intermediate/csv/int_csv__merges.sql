-- An exported lead names its person itself.
select
    'csv' as source_crm,
    cast(null as text) as source_id,
    cast(null as text) as into_id,
    cast(null as timestamptz) as merged_at
where false
