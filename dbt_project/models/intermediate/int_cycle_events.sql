{{ config(materialized='table') }}

with

records as (
    select * from {{ ref('int_lead_records') }}
),

persons as (
    select * from {{ ref('int_persons') }}
),

signals as (
    select * from {{ ref('int_lead_signals') }}
),

milestones as (
    select * from {{ ref('int_lead_milestones') }}
    where not is_correction and not is_inherited
),

touch_persons as (
    select * from {{ ref('int_touch_persons') }}
    where is_human_attempt or (direction = 'in' and is_contact)
),

lead_states as (
    select * from {{ ref('int_crm__lead_states') }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'lead'
),

deal_persons as (
    select * from {{ ref('int_deal_persons') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

-- The record a touch or a milestone is booked on: the person's oldest.
first_records as (
    select * from records
    qualify row_number() over (
        partition by person_id order by created_at nulls last, lead_id
    ) = 1
),

-- The record a merge made is no new lead, unless it is all we ever saw of the person.
creations as (
    select
        records.person_id,
        records.lead_id,
        records.source,
        'inbound' as motion,
        case when records.is_form then 'form' else 'created' end as entry_kind,
        records.created_precision as event_precision,
        records.created_at as event_at
    from records
    inner join persons on records.person_id = persons.person_id
    where
        records.created_at is not null
        and records.motion = 'inbound'
        and (not records.is_merge_result or records.created_at = persons.first_created_at)
),

forms as (
    select
        person_id,
        lead_id,
        source,
        'inbound' as motion,
        'form' as entry_kind,
        'instant' as event_precision,
        signal_at as event_at
    from signals
),

person_deals as (
    select
        deal_persons.person_id,
        deals.deal_id,
        deals.first_seen_at,
        deals.closed_at,
        deals.won_at
    from deal_persons
    inner join deals on deal_persons.deal_id = deals.deal_id
    where deals.first_seen_at is not null
),

-- What shows that buyer and seller were in touch, or had reason to be. Writing a name off is no contact with it: the
-- first call after that is still the first.
life_signs as (
    select
        person_id,
        event_at,
        cast(null as text) as touch_id
    from creations
    union all by name
    select
        person_id,
        event_at,
        cast(null as text) as touch_id
    from forms
    union all by name
    select
        person_id,
        effective_at as event_at,
        cast(null as text) as touch_id
    from milestones
    where milestone = 'qualified'
    union all by name
    select
        person_id,
        first_seen_at as event_at,
        cast(null as text) as touch_id
    from person_deals
    union all by name
    select
        person_id,
        closed_at as event_at,
        cast(null as text) as touch_id
    from person_deals
    where closed_at is not null
    union all by name
    select
        person_id,
        effective_at as event_at,
        touch_id
    from touch_persons
),

spaced as (
    select
        person_id,
        event_at,
        touch_id,
        lag(event_at) over (partition by person_id order by event_at, touch_id nulls first) as previous_at
    from life_signs
),

-- A change of status, stage or owner is nobody's touch, but somebody was still busy with the lead.
activity_signs as (
    select
        person_id,
        event_at
    from life_signs
    union
    select
        records.person_id,
        lead_states.changed_at as event_at
    from lead_states
    inner join records on lead_states.lead_id = records.lead_id
    where lead_states.changed_at <= {{ as_of() }}
    union
    select
        owned_id as person_id,
        valid_from as event_at
    from owner_intervals
),

silences as (
    select
        person_id,
        event_at,
        lead(event_at) over (partition by person_id order by event_at) as next_at
    from activity_signs
),

-- A touch out of the blue is prospecting, or a buyer calling in; a customer, or somebody with an open
-- deal, is neither. A call logged before an inbound lead was typed in is that lead's answer.
quiet_touches as (
    select
        touch_persons.person_id,
        first_records.lead_id,
        first_records.source,
        case when touch_persons.direction = 'in' then 'inbound' else 'outbound' end as motion,
        case when touch_persons.direction = 'in' then 'inbound_touch' else 'outbound_touch' end as entry_kind,
        touch_persons.touch_precision as event_precision,
        touch_persons.completed_at as event_at
    from spaced
    inner join touch_persons
        on spaced.touch_id = touch_persons.touch_id and spaced.person_id = touch_persons.person_id
    inner join first_records on touch_persons.person_id = first_records.person_id
    where
        (
            spaced.previous_at is null
            or spaced.event_at >= spaced.previous_at + interval {{ var('reactivate_days') }} day
        )
        and (
            touch_persons.direction = 'in'
            or first_records.motion = 'outbound'
            or touch_persons.effective_at >= first_records.created_at
        )
        and not exists (
            select 1 from person_deals
            where
                person_deals.person_id = touch_persons.person_id
                and person_deals.first_seen_at <= touch_persons.completed_at
                and (
                    person_deals.won_at is not null
                    or person_deals.closed_at is null
                    or person_deals.closed_at > touch_persons.completed_at
                )
        )
),

recorded_entries as (
    select * from creations
    union all by name
    select * from forms
    union all by name
    select * from quiet_touches
),

first_entries as (
    select
        person_id,
        min(event_at) as first_entry_at
    from recorded_entries
    group by person_id
),

first_qualified as (
    select
        person_id,
        min(effective_at) as qualified_at
    from milestones
    where milestone = 'qualified'
    group by person_id
),

-- A prospect that was qualified while nobody logged a touch was still qualified: the cycle starts with
-- the record. It is unlogged, never a touched prospect.
unlogged_entries as (
    select
        first_records.person_id,
        first_records.lead_id,
        first_records.source,
        'outbound' as motion,
        'created' as entry_kind,
        first_records.created_precision as event_precision,
        least(first_records.created_at, first_qualified.qualified_at) as event_at
    from first_qualified
    inner join first_records on first_qualified.person_id = first_records.person_id
    left join first_entries on first_qualified.person_id = first_entries.person_id
    where
        first_records.motion = 'outbound'
        and (first_entries.first_entry_at is null or first_entries.first_entry_at > first_qualified.qualified_at)
),

entries as (
    select * from recorded_entries
    union all by name
    select * from unlogged_entries
),

opening_entries as (
    select
        person_id,
        min(event_at) as first_entry_at
    from entries
    group by person_id
),

-- A milestone before the first sign of the lead is out of order: it counts, right after the entry, and
-- the cycle is flagged.
milestone_events as (
    select
        milestones.person_id,
        milestones.lead_id,
        milestones.milestone,
        case when milestones.milestone = 'disqualified' then milestones.state_value end as reason,
        milestones.rep_source_id,
        milestones.reached_precision as event_precision,
        milestones.reached_at,
        greatest(milestones.effective_at, opening_entries.first_entry_at) as event_at
    from milestones
    inner join opening_entries on milestones.person_id = opening_entries.person_id
),

expiries as (
    select
        person_id,
        event_at + interval {{ var('expire_days') }} day as event_at
    from silences
    where coalesce(next_at, {{ as_of() }}) >= event_at + interval {{ var('expire_days') }} day
),

events as (
    select
        person_id,
        lead_id,
        'entry' as event_kind,
        entry_kind,
        motion,
        source,
        event_precision,
        event_at,
        case entry_kind when 'form' then 1 when 'created' then 2 else 3 end as event_rank
    from entries
    union all by name
    select
        person_id,
        lead_id,
        'milestone' as event_kind,
        milestone,
        reason,
        rep_source_id,
        event_precision,
        reached_at,
        event_at,
        case milestone when 'qualified' then 4 else 5 end as event_rank
    from milestone_events
    union all by name
    select
        expiries.person_id,
        'expiry' as event_kind,
        expiries.event_at,
        6 as event_rank
    from expiries
    inner join opening_entries on expiries.person_id = opening_entries.person_id
    where expiries.event_at >= opening_entries.first_entry_at
)

select
    person_id,
    lead_id,
    event_kind,
    entry_kind,
    motion,
    source,
    milestone,
    reason,
    rep_source_id,
    event_precision,
    cast(
        row_number() over (
            partition by person_id
            order by event_at, event_rank, lead_id, motion, milestone, reason, rep_source_id, reached_at
        ) as integer
    ) as event_no,
    reached_at,
    event_at
from events
