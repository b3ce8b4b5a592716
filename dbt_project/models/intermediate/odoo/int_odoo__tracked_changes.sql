with

tracking_values as (
    select * from {{ ref('stg_odoo__tracking_values') }}
),

messages as (
    select * from {{ ref('stg_odoo__messages') }}
),

tracked_fields as (
    select * from {{ ref('stg_odoo__tracked_fields') }}
),

users as (
    select * from {{ ref('stg_odoo__users') }}
),

reps as (
    select * from {{ ref('int_odoo__reps') }}
),

-- A message names the contact who wrote it, everything else the user: two keys for one person.
authors as (
    select
        partner_id,
        min(user_id) as user_id
    from users
    where partner_id is not null
    group by partner_id
)

-- Moments are told in whole seconds; within one, the ids keep the order.
select
    tracking_values.tracking_value_id,
    tracking_values.message_id,
    messages.lead_id,
    case when reps.is_human then authors.user_id end as changed_by_rep_id,
    messages.author_id as changed_by_key,
    tracked_fields.field,
    tracking_values.old_value_integer,
    tracking_values.new_value_integer,
    tracking_values.tracking_value_no,
    coalesce(tracking_values.changed_at, messages.written_at) as changed_at
from tracking_values
inner join messages on tracking_values.message_id = messages.message_id
inner join tracked_fields on tracking_values.field_id = tracked_fields.field_id
left join authors on messages.author_id = authors.partner_id
left join reps on authors.user_id = reps.rep_source_id
