with

associations as (
    select * from {{ ref('stg_hubspot__associations') }}
),

companies as (
    select * from {{ ref('stg_hubspot__companies') }}
)

-- Of several companies one is labelled Primary (type 5); without the label it is the one made first.
select
    associations.from_id as deal_id,
    associations.to_id as company_id
from associations
inner join companies on associations.to_id = companies.company_id
where associations.association_type = 'deals_companies' and not companies.is_deleted
qualify row_number() over (
    partition by associations.from_id
    order by
        coalesce(associations.link_type = 'HUBSPOT_DEFINED/5', false) desc,
        length(associations.to_id) asc,
        associations.to_id asc
) = 1
