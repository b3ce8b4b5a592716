{{ config(materialized='table') }}

with

touches as (
    select * from {{ ref('int_touches') }}
),

touch_persons as (
    select * from {{ ref('int_touch_persons') }}
),

cycle_touches as (
    select * from {{ ref('int_cycle_touches') }}
),

cycles as (
    select * from {{ ref('int_lead_cycles') }}
),

links as (
    select * from {{ ref('int_crm__activity_links') }}
),

deals as (
    select * from {{ ref('int_deals') }}
),

deal_persons as (
    select * from {{ ref('int_deal_persons') }}
),

touch_deals as (
    select
        links.activity_id as touch_id,
        min(links.deal_id) as deal_id
    from links
    inner join deals on links.deal_id = deals.deal_id
    group by links.activity_id
),

customers as (
    select
        deal_persons.person_id,
        min(deals.won_at) as customer_at
    from deal_persons
    inner join deals on deal_persons.deal_id = deals.deal_id
    where deals.won_at is not null
    group by deal_persons.person_id
),

-- A touch on several people is one touch. It is shown under one of them, a person in a cycle before others.
main_persons as (
    select
        touch_persons.touch_id,
        touch_persons.person_id,
        cycle_touches.cycle_id
    from touch_persons
    left join cycle_touches
        on touch_persons.touch_id = cycle_touches.touch_id and touch_persons.person_id = cycle_touches.person_id
    qualify row_number() over (
        partition by touch_persons.touch_id
        order by cycle_touches.cycle_id is null, touch_persons.person_id
    ) = 1
)

select
    touches.touch_id,
    main_persons.person_id,
    main_persons.cycle_id,
    touch_deals.deal_id,
    touches.rep_source_id,
    case
        when
            customers.customer_at < touches.completed_at
            and not coalesce(
                cycles.entered_at > customers.customer_at
                and (cycles.closed_at is null or cycles.closed_at >= touches.completed_at),
                false
            ) then 'relationship'
        when cycles.outcome = 'qualified' and touches.completed_at > cycles.closed_effective_at then 'closer'
        when touch_deals.deal_id is not null then 'closer'
        else cycles.motion_first
    end as serves,
    touches.completed_at,
    touches.local_date,
    touches.is_human_attempt,
    touches.result in ('attempt', 'contact') as is_touch
from touches
left join main_persons on touches.touch_id = main_persons.touch_id
left join cycles on main_persons.cycle_id = cycles.cycle_id
left join touch_deals on touches.touch_id = touch_deals.touch_id
left join customers on main_persons.person_id = customers.person_id
