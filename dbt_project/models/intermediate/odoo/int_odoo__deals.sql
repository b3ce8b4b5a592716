with

lives as (
    select * from {{ ref('int_odoo__lead_lives') }}
    where is_opportunity
),

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

changes as (
    select * from {{ ref('int_odoo__tracked_changes') }}
),

stages as (
    select * from {{ ref('stg_odoo__stages') }}
),

lost_reasons as (
    select * from {{ ref('stg_odoo__lost_reasons') }}
),

tags as (
    select * from {{ ref('stg_odoo__tags') }}
),

currencies as (
    select * from {{ ref('stg_odoo__currencies') }}
),

last_stage_changes as (
    select
        lead_id,
        max(changed_at) as changed_at
    from changes
    where field = 'stage_id'
    group by lead_id
),

last_switches_off as (
    select
        lead_id,
        max(changed_at) as changed_at
    from changes
    where field = 'active' and new_value_integer = 0
    group by lead_id
),

-- Odoo has no word for renewals; companies tag them.
renewals as (
    select distinct leads.lead_id
    from leads
    inner join tags on list_contains(leads.tag_ids, try_cast(tags.tag_id as bigint))
    where regexp_matches(lower(tags.tag), 'exist|bestaand|renew|verleng|upsell')
),

-- The closing date is set for won and lost alike, and wiped when either is taken back; the changes stay.
settled as (
    select
        leads.lead_id,
        lives.is_lost,
        not lives.is_lost and coalesce(stages.is_won, false) as is_won,
        coalesce(last_stage_changes.changed_at, leads.closed_at, leads.stage_entered_at) as won_at,
        coalesce(last_switches_off.changed_at, leads.closed_at) as lost_at,
        coalesce(last_stage_changes.changed_at, leads.stage_entered_at) as stage_entered_at
    from lives
    inner join leads on lives.lead_id = leads.lead_id
    left join stages on leads.stage_id = stages.stage_id
    left join last_stage_changes on leads.lead_id = last_stage_changes.lead_id
    left join last_switches_off on leads.lead_id = last_switches_off.lead_id
)

-- Amounts are in the company's currency, whatever the customer pays in; nought is what nobody filled in.
select
    'odoo' as source_crm,
    leads.lead_id as deal_id,
    leads.owner_id,
    cast(null as text) as qualified_by_id,
    cast(null as text) as closed_by_id,
    'crm' as pipeline_id,
    leads.stage_id,
    case when settled.is_lost then lost_reasons.lost_reason end as lost_reason,
    upper(currencies.currency_code) as currency_code,
    nullif(leads.expected_revenue, 0) as amount,
    0 as push_count,
    leads.lead_id not in (select renewals.lead_id from renewals) as is_new_business,
    lives.is_deleted,
    lives.became_deal_at as created_at,
    case when settled.is_won then settled.won_at end as won_at,
    case when settled.is_lost then settled.lost_at end as lost_at,
    settled.stage_entered_at
from lives
inner join leads on lives.lead_id = leads.lead_id
inner join settled on leads.lead_id = settled.lead_id
left join lost_reasons on leads.lost_reason_id = lost_reasons.lost_reason_id
left join currencies on leads.currency_id = currencies.currency_id
