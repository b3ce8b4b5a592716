-- Pipedrive joins a deal with its person itself, and no address is asked for.
select
    'pipedrive' as source_crm,
    cast(null as text) as record_kind,
    cast(null as text) as record_id,
    cast(null as text) as email_key,
    cast(null as text) as domain_key
where false
