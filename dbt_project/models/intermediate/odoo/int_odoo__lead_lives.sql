with

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

changes as (
    select * from {{ ref('int_odoo__tracked_changes') }}
    where field = 'type'
),

meanings as (
    select * from {{ ref('stg_config__lead_milestones') }}
    where source_crm = 'odoo' and field = 'made_as'
),

-- Where nobody works with leads, everything begins as an opportunity.
leadless as (
    select count(*) > 0 as is_leadless from meanings
),

-- There are two types, so the last change led to today's and each one before it to the other: the labels that
-- Odoo writes down are in the language of whoever made the change.
turns as (
    select
        changes.lead_id,
        changes.changed_at,
        count(*) over (
            partition by changes.lead_id order by changes.changed_at desc, changes.tracking_value_no desc
        ) % 2 = 1 as is_to_todays_type
    from changes
),

conversions as (
    select
        leads.lead_id,
        count(*) % 2 = 1 as is_other_type_first,
        min(turns.changed_at) filter (
            where turns.is_to_todays_type = (leads.lead_type = 'opportunity')
        ) as converted_at
    from turns
    inner join leads on turns.lead_id = leads.lead_id
    group by leads.lead_id
),

told as (
    select
        leads.lead_id,
        leads.lead_type = 'opportunity' as is_opportunity,
        case
            when conversions.lead_id is not null
                then conversions.is_other_type_first = (leads.lead_type = 'opportunity')
            when leads.lead_type = 'lead' then true
            -- Without tracking, the date of conversion says that there was one.
            else coalesce(leads.converted_at > leads.created_at, false)
        end as is_made_as_lead,
        coalesce(conversions.converted_at, leads.converted_at) as converted_at,
        leads.created_at,
        leads.is_deleted,
        not coalesce(leads.is_active, true) as is_inactive,
        coalesce(leads.probability, 0) = 0 as is_hopeless
    from leads
    left join conversions on leads.lead_id = conversions.lead_id
),

-- A person is as many records as it sent forms. Its address joins them; without one, the customer does.
by_address as (
    select
        lead_id,
        lead_no,
        partner_id,
        email_key,
        created_at,
        first_value(lead_id) over (
            partition by coalesce(email_key, lead_id) order by created_at asc nulls last, lead_no asc
        ) as first_lead_id
    from leads
),

persons as (
    select
        lead_id,
        case
            when email_key is null and partner_id is not null
                then
                    first_value(first_lead_id) over (
                        partition by partner_id order by created_at asc nulls last, lead_no asc
                    )
            else first_lead_id
        end as person_source_id
    from by_address
)

-- Lost is what was switched off without any chance left; switched off with one, it was put away.
select
    told.lead_id,
    persons.person_source_id,
    persons.person_source_id = told.lead_id as is_first_of_person,
    told.is_made_as_lead or leadless.is_leadless as is_lead,
    told.is_made_as_lead,
    told.is_opportunity,
    told.is_inactive and told.is_hopeless as is_lost,
    told.is_deleted or (told.is_inactive and not told.is_hopeless) as is_deleted,
    told.created_at,
    case
        when told.is_opportunity and told.is_made_as_lead then coalesce(told.converted_at, told.created_at)
        when told.is_opportunity then told.created_at
    end as became_deal_at
from told
cross join leadless
inner join persons on told.lead_id = persons.lead_id
