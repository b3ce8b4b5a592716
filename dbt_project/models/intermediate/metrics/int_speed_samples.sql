{{ config(materialized='table') }}

-- One waiting time per row and role, ready for Kaplan-Meier: inbound lead to first attempt, prospect's reply to our
-- answer, hand-over to the closer's first touch.
with

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

int_reply_follow_ups as (
    select * from {{ ref('int_reply_follow_ups') }}
),

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
),

inbound as (
    select
        'inbound' as role,
        source,
        rep_id,
        cohort_month as month,
        speed_time_wm,
        is_speed_event
    from int_cycle_outcomes
    where motion = 'inbound' and is_counted and is_speed_eligible and has_lead_speed
),

outbound as (
    select
        'outbound' as role,
        source,
        rep_id,
        month,
        speed_time_wm,
        is_speed_event
    from int_reply_follow_ups
    where has_speed
),

closer as (
    select
        'closer' as role,
        source,
        rep_id,
        qualified_month as month,
        speed_time_wm,
        is_speed_event
    from int_handover_outcomes
    where is_speed_eligible and has_speed
),

samples as (
    select * from inbound
    union all by name
    select * from outbound
    union all by name
    select * from closer
)

select * from samples
