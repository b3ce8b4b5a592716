-- HubSpot converts at the rate of the moment of reading, which is nobody's rate of closing.
select
    'hubspot' as source_crm,
    cast(null as text) as currency_code,
    cast(null as {{ double() }}) as units_per_base,
    cast(null as date) as rate_date
where false
