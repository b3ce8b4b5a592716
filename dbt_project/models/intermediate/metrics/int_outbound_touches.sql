{{ config(materialized='table') }}

-- Human outbound attempts that served acquisition, with the two moments a prospect is counted: the first approach ever,
-- and the first one after a silence of reactivate_days.
with

int_touch_work as (
    select * from {{ ref('int_touch_work') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

sequenced as (
    select
        touch_id,
        source_crm,
        person_id,
        cycle_id,
        rep_id,
        source,
        serves,
        is_excluded,
        is_human_attempt,
        at_utc,
        at_local_date,
        row_number() over (
            partition by coalesce(person_id, touch_id), is_human_attempt order by at_utc, touch_id
        ) = 1 as is_first_of_kind,
        lag(at_utc) over (partition by coalesce(person_id, touch_id) order by at_utc, touch_id) as previous_at
    from int_touch_work
    where
        kind not in ('note', 'task')
        -- A newsletter does not break a silence.
        and coalesce(actor, 'unknown') <> 'automated'
),

inbound_signals as (
    select
        person_id,
        min(entered_at) as first_inbound_at
    from fct_lead_cycle
    where motion_first = 'inbound'
    group by person_id
),

touches as (
    select
        sequenced.touch_id,
        sequenced.person_id,
        sequenced.source,
        coalesce(sequenced.rep_id, 'unassigned') as rep_id,
        sequenced.at_local_date,
        cast(date_trunc('month', sequenced.at_local_date) as date) as month,
        sequenced.person_id is not null
        and sequenced.is_first_of_kind
        and coalesce(inbound_signals.first_inbound_at > sequenced.at_utc, true) as is_new_prospect,
        sequenced.person_id is not null
        and not sequenced.is_first_of_kind
        and coalesce(
            sequenced.at_utc >= sequenced.previous_at + to_days({{ var('reactivate_days') }}), false
        ) as is_reactivated_prospect
    from sequenced
    left join inbound_signals on sequenced.person_id = inbound_signals.person_id
    where
        sequenced.is_human_attempt
        and sequenced.serves = 'outbound'
        and not sequenced.is_excluded
)

select * from touches
