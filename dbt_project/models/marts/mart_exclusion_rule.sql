with

rules as (
    select * from {{ ref('int_exclusion_rules') }}
),

rule_hits as (
    select * from {{ ref('int_cycle_rule_hits') }}
),

exclusions as (
    select * from {{ ref('int_cycle_exclusions') }}
),

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

contact_keys as (
    select * from {{ ref('int_contact_keys') }}
    where record_kind = 'lead' and domain_key is not null
),

domains as (
    select count(*) > 0 as has_domains from contact_keys
),

counted as (
    select
        rule_hits.rule_id,
        count(*) as hit_count,
        count(exclusions.cycle_id) as decided_count,
        count(case when cycles.entered_at > {{ as_of() }} - interval 30 day then 1 end) as recent_count,
        max(cycles.entered_at) as last_hit_at
    from rule_hits
    inner join cycles on rule_hits.cycle_id = cycles.cycle_id
    left join exclusions on rule_hits.cycle_id = exclusions.cycle_id and rule_hits.rule_id = exclusions.rule_id
    group by rule_hits.rule_id
)

select
    rules.rule_id,
    rules.field,
    rules.comparator,
    rules.field_value,
    rules.reason,
    rules.author,
    rules.added_on,
    -- Where no source tells an address, a rule about domains can hit nothing.
    rules.field <> 'email_domain' or domains.has_domains as is_checkable,
    cast(coalesce(counted.hit_count, 0) as bigint) as hit_count,
    cast(coalesce(counted.decided_count, 0) as bigint) as decided_count,
    cast(coalesce(counted.recent_count, 0) as bigint) as hits_30d,
    counted.last_hit_at,
    {{ publication_columns() }}
from rules
cross join domains
left join counted on rules.rule_id = counted.rule_id
