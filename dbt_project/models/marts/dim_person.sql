with

persons as (
    select * from {{ ref('int_persons') }}
),

records as (
    select * from {{ ref('int_lead_records') }}
),

deals as (
    select * from {{ ref('int_deals') }}
    where won_at is not null
),

deal_persons as (
    select * from {{ ref('int_deal_persons') }}
    where link_confidence >= 0.85
),

first_records as (
    select * from records
    qualify row_number() over (partition by person_id order by created_at nulls last, lead_id) = 1
),

customers as (
    select
        deal_persons.person_id,
        min(deals.won_at) as customer_since_at
    from deal_persons
    inner join deals on deal_persons.deal_id = deals.deal_id
    group by deal_persons.person_id
)

select
    persons.person_id,
    persons.source_crm,
    coalesce(first_records.source, 'unknown') as first_source,
    customers.customer_since_at is not null as is_customer,
    {{ local_date('customers.customer_since_at') }} as customer_since_date,
    persons.first_created_at,
    {{ publication_columns() }}
from persons
left join first_records on persons.person_id = first_records.person_id
left join customers on persons.person_id = customers.person_id
