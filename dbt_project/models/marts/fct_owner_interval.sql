with

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
),

persons as (
    select * from {{ ref('int_persons') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

-- Owners of what is still there: a deleted deal is out of every figure, its owners with it.
kept as (
    select
        owner_intervals.*,
        case owner_intervals.record_kind when 'lead' then 'person' else 'deal' end as object_kind
    from owner_intervals
    left join persons on owner_intervals.record_kind = 'lead' and owner_intervals.owned_id = persons.person_id
    left join deals on owner_intervals.record_kind = 'deal' and owner_intervals.owned_id = deals.deal_id
    where persons.person_id is not null or deals.deal_id is not null
)

select
    md5(object_kind || '|' || owned_id || '|' || epoch_us(valid_from)) as owner_interval_id,
    object_kind,
    owned_id as object_id,
    source_crm,
    rep_id,
    is_human,
    valid_from,
    valid_to,
    {{ publication_columns() }}
from kept
