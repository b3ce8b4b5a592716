{{ config(materialized='table') }}

-- F8: who qualified a lead also closes it, so nobody checks its quality. R7 allows one person to be outbound and closer
-- below 20 employees; it allows nobody to close own inbound leads.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_handover_outcomes as (
    select * from {{ ref('int_handover_outcomes') }}
    where is_pair_known
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

recorded as (
    select coalesce(bool_or(has_qualification), false) as is_recorded
    from int_source_capabilities
),

allowed as (
    select coalesce(employee_count < 20, false) as is_closer_outbound_allowed
    from int_metric_scope
),

pairs as (
    select
        int_handover_outcomes.qualified_month,
        int_handover_outcomes.is_self_handover,
        int_handover_outcomes.is_self_handover
        and int_handover_outcomes.motion = 'outbound'
        and allowed.is_closer_outbound_allowed as is_allowed
    from int_handover_outcomes
    cross join allowed
),

counts as (
    select
        'F8' as rule_id,
        'team' as scope_value,
        int_finding_spans.last_month,
        count(case when pairs.is_self_handover and not pairs.is_allowed then 1 end) as k,
        count(pairs.qualified_month) as n,
        count(case when pairs.is_allowed then 1 end) as figure,
        bool_or(recorded.is_recorded) as is_recorded,
        null as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from int_finding_spans
    cross join recorded
    left join pairs
        on
            int_finding_spans.window_start <= pairs.qualified_month
            and int_finding_spans.window_end > pairs.qualified_month
    group by int_finding_spans.last_month
),

judged as (
    select
        shares.*,
        allowed.is_closer_outbound_allowed
    from {{ finding_shares('counts') }} as shares
    cross join allowed
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "format('{} van {} gekwalificeerde leads ({}) werden gesloten door wie ze ook kwalificeerde ({}).',
                k, n, " ~ percent_text('estimate') ~ ", period_nl)
            || case when figure > 0 then format(
                ' Nog {:.0f} uit eigen acquisitie tellen niet mee: onder 20 medewerkers mag dat.', figure) else '' end",
            "format('{} of {} qualified leads ({}) were closed by whoever also qualified them ({}).',
                k, n, " ~ percent_text('estimate') ~ ", period_en)
            || case when figure > 0 then format(
                ' Another {:.0f} from own acquisition do not count: below 20 employees that is allowed.', figure) else '' end",
        ],
        actions=[
            "'Laat een ander de kwalificatie bevestigen voor het eerste gesprek, zodat de kwaliteit gecontroleerd blijft.'",
            "'Have somebody else confirm the qualification before the first meeting, so that quality stays checked.'",
        ],
        missing=[
            "case when status = 'not_measurable'
                then 'Niet meetbaar: nergens staat wanneer een lead gekwalificeerd is en door wie.' end",
            "case when status = 'not_measurable'
                then 'Not measurable: nothing records when a lead was qualified and by whom.' end",
        ],
        missing_actions=[
            "case when status = 'not_measurable'
                then 'Stel in welke stap in het CRM kwalificatie betekent en laat de overdracht vastleggen.' end",
            "case when status = 'not_measurable'
                then 'Set which step in the CRM means qualified, and have the hand-over recorded.' end",
        ],
        rows_query="'select cycle_id, motion_first, source, qualifier_rep_id, closer_rep_id, qualified_at, customer_at'
            || ' from marts.fct_handover where is_self_handover and qualified_at <= ' || as_of_sql
            || ' and qualified_month >= ' || from_sql || ' and qualified_month < ' || until_sql
            || case when is_closer_outbound_allowed then ' and motion_first <> ''outbound''' else '' end
            || ' and cycle_id in (select cycle_id from marts.fct_lead_cycle where excluded_reason is null)'
            || ' order by qualified_at, cycle_id'"
    ) }}
from judged
