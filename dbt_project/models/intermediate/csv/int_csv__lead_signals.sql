-- An export has one moment a lead: its creation.
select
    'csv' as source_crm,
    cast(null as text) as lead_id,
    cast(null as timestamptz) as signal_at
where false
