-- Salesforce joins an opportunity with its lead and its contacts itself, and no address is asked for.
select
    'salesforce' as source_crm,
    cast(null as text) as record_kind,
    cast(null as text) as record_id,
    cast(null as text) as email_key,
    cast(null as text) as domain_key
where false
