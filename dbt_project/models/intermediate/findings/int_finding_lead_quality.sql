{{ config(materialized='table') }}

{%- set judged_days = 14 %}

-- F5: what comes in is no good. Inbound: leads disqualified within the window in which they could have qualified, of
-- all leads old enough; of the closed ones alone the share would be far too high, of all it would be too low while the
-- newest are still being worked. Closer: hand-overs sent back within ten working days (two weeks). A CRM in which
-- nobody ever was disqualified or sent back does not record it, which is not quality.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_cycle_outcomes as (
    select * from {{ ref('int_cycle_outcomes') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

crms as (
    select
        fct_lead_cycle.source_crm,
        bool_or(fct_lead_cycle.outcome = 'disqualified') or bool_or(fct_handover.rejected_at is not null)
            as is_refusing
    from fct_lead_cycle
    left join fct_handover on fct_lead_cycle.cycle_id = fct_handover.cycle_id
    group by fct_lead_cycle.source_crm
),

recorded as (
    select
        coalesce(bool_or(is_refusing), false) as is_recorded,
        coalesce(string_agg('''' || source_crm || '''', ', ' order by source_crm) filter (where is_refusing), '''''')
            as refusing_crms
    from crms
),

inbound as (
    select
        int_cycle_outcomes.cohort_month as month,
        'inbound' as scope_value,
        fct_lead_cycle.outcome = 'disqualified'
        and fct_lead_cycle.closed_at <= fct_lead_cycle.entered_at + to_days({{ var('w_inbound_days') }}) as is_poor
    from int_cycle_outcomes
    inner join fct_lead_cycle on int_cycle_outcomes.cycle_id = fct_lead_cycle.cycle_id
    inner join crms on int_cycle_outcomes.source_crm = crms.source_crm
    where
        int_cycle_outcomes.motion = 'inbound'
        and int_cycle_outcomes.is_counted
        and int_cycle_outcomes.is_old_enough
        and crms.is_refusing
),

closer as (
    select
        fct_handover.qualified_month as month,
        'closer' as scope_value,
        coalesce(fct_handover.rejected_at <= fct_handover.qualified_at + to_days({{ judged_days }}), false) as is_poor
    from fct_handover
    inner join fct_lead_cycle on fct_handover.cycle_id = fct_lead_cycle.cycle_id
    inner join crms on fct_handover.source_crm = crms.source_crm
    where
        fct_lead_cycle.excluded_reason is null
        and fct_handover.qualified_at + to_days({{ judged_days }}) <= {{ as_of() }}
        and crms.is_refusing
),

monthly as (
    select
        scope_value,
        month,
        count(case when is_poor then 1 end) as k,
        count(*) as n
    from (
        select * from inbound
        union all by name
        select * from closer
    ) as both_scopes
    group by scope_value, month
),

scopes as (
    select unnest(['inbound', 'closer']) as scope_value
),

counts as (
    select
        'F5' as rule_id,
        scopes.scope_value,
        int_finding_spans.last_month,
        coalesce(sum(monthly.k), 0) as k,
        coalesce(sum(monthly.n), 0) as n,
        null as figure,
        bool_or(recorded.is_recorded) as is_recorded,
        null as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from int_finding_spans
    cross join scopes
    cross join recorded
    left join monthly
        on
            scopes.scope_value = monthly.scope_value
            and int_finding_spans.window_start <= monthly.month
            and int_finding_spans.window_end > monthly.month
    group by scopes.scope_value, int_finding_spans.last_month
),

judged as (
    select
        shares.*,
        recorded.refusing_crms
    from {{ finding_shares('counts') }} as shares
    cross join recorded
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "case scope_value
                when 'inbound' then format('{} van {} inbound leads ({}) van " ~ var('w_inbound_days')
                    ~ " dagen of ouder werden binnen die tijd afgekeurd ({}).', k, n, " ~ percent_text('estimate') ~ ", period_nl)
                else format('{} van {} overgedragen leads ({}) gingen binnen twee weken terug ({}).',
                    k, n, " ~ percent_text('estimate') ~ ", period_nl)
            end",
            "case scope_value
                when 'inbound' then format('{} of {} inbound leads ({}) of " ~ var('w_inbound_days')
                    ~ " days or older were disqualified within that time ({}).', k, n, " ~ percent_text('estimate') ~ ", period_en)
                else format('{} of {} leads handed over ({}) were sent back within two weeks ({}).',
                    k, n, " ~ percent_text('estimate') ~ ", period_en)
            end",
        ],
        actions=[
            "case scope_value
                when 'inbound' then
                    'Kijk per bron waarom leads worden afgekeurd, en stop met de bron of het formulier dat de meeste geeft.'
                else 'Spreek af waaraan een gekwalificeerde lead voldoet, en laat de closer elke teruggestuurde lead toelichten.'
            end",
            "case scope_value
                when 'inbound' then
                    'See by source why leads are disqualified, and stop the source or form that gives most of them.'
                else 'Agree what makes a lead qualified, and have the closer explain every lead that is sent back.'
            end",
        ],
        missing=[
            "case when status = 'not_measurable'
                then 'Niet meetbaar: in het CRM is nooit een lead afgekeurd of teruggestuurd.' end",
            "case when status = 'not_measurable'
                then 'Not measurable: no lead was ever disqualified or sent back in the CRM.' end",
        ],
        missing_actions=[
            "case when status = 'not_measurable'
                then 'Leg vast dat een lead is afgekeurd en waarom, en stel in welke status dat betekent.' end",
            "case when status = 'not_measurable'
                then 'Record that a lead is disqualified and why, and set which status means that.' end",
        ],
        rows_query="case scope_value
            when 'inbound' then
                'select cycle_id, source, owner_at_entry, entered_at, closed_at, disq_reason from marts.fct_lead_cycle'
                || ' where motion_first = ''inbound'' and excluded_reason is null'
                || ' and not (is_bulk_import and entered_precision = ''instant'') and outcome = ''disqualified'''
                || ' and closed_at <= entered_at + to_days(" ~ var('w_inbound_days') ~ ")'
                || ' and entered_at + to_days(" ~ var('w_inbound_days') ~ ") <= ' || as_of_sql
                || ' and entered_month >= ' || from_sql || ' and entered_month < ' || until_sql
                || ' and source_crm in (' || refusing_crms || ') order by disq_reason, entered_at, cycle_id'
            else
                'select cycle_id, motion_first, source, qualifier_rep_id, closer_rep_id, qualified_at, rejected_at,'
                || ' rejected_reason from marts.fct_handover'
                || ' where rejected_at <= qualified_at + to_days(" ~ judged_days ~ ")'
                || ' and qualified_at + to_days(" ~ judged_days ~ ") <= ' || as_of_sql
                || ' and qualified_month >= ' || from_sql || ' and qualified_month < ' || until_sql
                || ' and source_crm in (' || refusing_crms || ')'
                || ' and cycle_id in (select cycle_id from marts.fct_lead_cycle where excluded_reason is null)'
                || ' order by qualified_at, cycle_id'
            end"
    ) }}
from judged
