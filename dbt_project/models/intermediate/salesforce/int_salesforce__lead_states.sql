with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

opportunities as (
    select * from {{ ref('stg_salesforce__opportunities') }}
),

history as (
    select * from {{ ref('stg_salesforce__lead_history') }}
),

snapshots as (
    select * from {{ ref('stg_salesforce__lead_snapshots') }}
    where field = 'status'
),

users as (
    select * from {{ ref('stg_salesforce__users') }}
),

meanings as (
    select * from {{ ref('stg_config__lead_milestones') }}
    where source_crm = 'salesforce'
),

-- Salesforce follows a status only where somebody switched that on, and never for the time before.
tracking as (
    select min(changed_at) as tracked_from
    from history
    where field = 'Status'
),

tracked_changes as (
    select * from history
    where field = 'Status' and new_value is not null
),

first_changes as (
    select
        lead_id,
        arg_min(old_value, (changed_at, history_id)) as first_value,
        min(changed_at) as first_changed_at
    from tracked_changes
    group by lead_id
),

seen as (
    select
        lead_id,
        field_value,
        seen_at,
        lag(field_value) over (partition by lead_id order by seen_at, field_value) as previous_value
    from snapshots
),

-- What a night saw differs from what the one before saw: it changed in between, on the day of the last edit or before.
seen_turns as (
    select
        seen.lead_id,
        seen.field_value,
        seen.seen_at,
        leads.created_at
    from seen
    inner join leads on seen.lead_id = leads.lead_id
    cross join tracking
    left join first_changes on seen.lead_id = first_changes.lead_id
    where
        seen.field_value is distinct from seen.previous_value
        and (
            tracking.tracked_from is null
            or (
                leads.created_at < tracking.tracked_from
                and seen.seen_at < coalesce(first_changes.first_changed_at, tracking.tracked_from)
            )
        )
),

last_seen as (
    select
        lead_id,
        arg_max(field_value, seen_at) as field_value
    from seen_turns
    group by lead_id
),

-- Where tracking is on, a lead without a change has had one status since its creation, or since tracking began.
starts as (
    select
        leads.lead_id,
        coalesce(first_changes.first_value, leads.status) as field_value,
        leads.created_at >= tracking.tracked_from as is_exact,
        case
            when leads.created_at >= tracking.tracked_from then leads.created_at
            else least(tracking.tracked_from, first_changes.first_changed_at) - interval 1 microsecond
        end as changed_at
    from leads
    cross join tracking
    left join first_changes on leads.lead_id = first_changes.lead_id
    left join last_seen on leads.lead_id = last_seen.lead_id
    where
        tracking.tracked_from is not null
        and coalesce(first_changes.first_value, leads.status) is distinct from last_seen.field_value
),

conversion_entries as (
    select
        lead_id,
        min(changed_at) as converted_at,
        arg_min(changed_by_id, changed_at) as converted_by_id
    from history
    where field = 'leadConverted'
    group by lead_id
),

-- The lead itself knows the day only; its history, or the opportunity that it became, the moment. A lead that was
-- converted into a contact of before, and into no opportunity, was merged into it.
conversions as (
    select
        leads.lead_id,
        coalesce(
            conversion_entries.converted_at,
            case
                when {{ local_date('opportunities.created_at') }} = leads.converted_date then opportunities.created_at
            end
        ) as moment_at,
        coalesce(
            conversion_entries.converted_by_id,
            case
                when {{ local_date('opportunities.created_at') }} = leads.converted_date
                    then opportunities.created_by_id
            end
        ) as converted_by_id,
        {{ local_midnight('leads.converted_date') }} as day_at,
        leads.converted_opportunity_id is null
        and coalesce(
            contacts.created_at
            < coalesce(conversion_entries.converted_at, {{ local_midnight('leads.converted_date') }}),
            false
        ) as is_absorbed
    from leads
    left join conversion_entries on leads.lead_id = conversion_entries.lead_id
    left join opportunities on leads.converted_opportunity_id = opportunities.deal_id
    left join contacts on leads.converted_contact_id = contacts.contact_id
    where leads.is_converted
),

merge_entries as (
    select distinct
        lead_id,
        changed_at
    from history
    where field = 'leadMerged'
),

states as (
    select
        lead_id,
        'status' as state_field,
        new_value as state_value,
        changed_by_id,
        'instant' as changed_precision,
        changed_at
    from tracked_changes
    union all by name
    select
        lead_id,
        'status' as state_field,
        field_value as state_value,
        case when is_exact then 'instant' else 'day' end as changed_precision,
        changed_at
    from starts
    union all by name
    select
        lead_id,
        'status' as state_field,
        field_value as state_value,
        case when seen_at = created_at then 'instant' else 'day' end as changed_precision,
        seen_at as changed_at
    from seen_turns
    union all by name
    select
        lead_id,
        'converted' as state_field,
        'true' as state_value,
        converted_by_id as changed_by_id,
        case when moment_at is null then 'day' else 'instant' end as changed_precision,
        coalesce(moment_at, day_at) as changed_at
    from conversions
),

people as (
    select * from users
    where coalesce(user_type, 'standard') = 'standard'
)

-- A merge keeps what somebody picked from both leads: the status that it writes is inherited, not reached.
select
    'salesforce' as source_crm,
    states.lead_id,
    states.state_field,
    meanings.milestone,
    states.state_value,
    people.user_id as changed_by_rep_id,
    people.user_id as changed_by_key,
    states.changed_precision,
    merge_entries.lead_id is not null
    or coalesce(
        conversions.is_absorbed and states.changed_at >= coalesce(conversions.moment_at, conversions.day_at), false
    ) as is_possibly_inherited,
    states.changed_at
from states
left join meanings on states.state_field = meanings.field and states.state_value = meanings.field_value
left join people on states.changed_by_id = people.user_id
left join merge_entries on states.lead_id = merge_entries.lead_id and states.changed_at = merge_entries.changed_at
left join conversions on states.lead_id = conversions.lead_id
where states.changed_at is not null
