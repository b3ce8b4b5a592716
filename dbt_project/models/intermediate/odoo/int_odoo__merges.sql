-- A merge deletes the losers, and the survivor does not name them.
select
    'odoo' as source_crm,
    cast(null as text) as source_id,
    cast(null as text) as into_id,
    cast(null as timestamptz) as merged_at
where false
