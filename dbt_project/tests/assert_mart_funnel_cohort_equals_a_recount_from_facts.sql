-- Leads and customers of the whole history, counted again from the facts.
with

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
    where
        excluded_reason is null
        and not (motion_first = 'inbound' and is_bulk_import and entered_precision = 'instant')
        and entered_at <= {{ as_of() }}
),

mart_funnel_cohort as (
    select * from {{ ref('mart_funnel_cohort') }}
    where period_type = 'all' and motion = 'all'
),

sliced as (
    select
        customer_at,
        unnest(['all', coalesce(source, 'unknown')]) as source
    from fct_lead_cycle
),

recounted as (
    select
        source,
        count(*) as lead_count,
        count(customer_at) as customer_count
    from sliced
    group by source
)

select
    recounted.*,
    leads.k as published_leads,
    customers.k as published_customers
from recounted
left join mart_funnel_cohort as leads
    on
        recounted.source = leads.source
        and leads.stage = 'lead'
left join mart_funnel_cohort as customers
    on
        recounted.source = customers.source
        and customers.stage = 'customer'
where
    leads.k is distinct from recounted.lead_count
    or (customers.status = 'measured' and customers.k is distinct from recounted.customer_count)
