-- Pipedrive's API lists currencies and no rates.
select
    'pipedrive' as source_crm,
    cast(null as text) as currency_code,
    cast(null as {{ double() }}) as units_per_base,
    cast(null as date) as rate_date
where false
