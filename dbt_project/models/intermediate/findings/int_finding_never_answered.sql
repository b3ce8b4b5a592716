{{ config(materialized='table') }}

{%- set due_days = var('never_answered_working_days') %}

-- F2: who waits for us and never heard a thing, of those who wait long enough: inbound leads, prospects who replied,
-- hand-overs to the closer. Closing a lead or sending it back is no follow-up.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
    where calendar = 'company'
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_reply_follow_ups as (
    select * from {{ ref('int_reply_follow_ups') }}
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

mart_inbound_month as (
    select * from {{ ref('mart_inbound_month') }}
    where slice_type = 'all'
),

cut as (
    select {{ as_of() }} as as_of_at
),

cut_days as (
    select {{ worked_days('cut.as_of_at') }} as worked_days
    from cut
    asof left join int_working_intervals on cut.as_of_at >= int_working_intervals.start_utc
),

-- The instant that lies so many working days before the cut: whoever has waited since then is due.
due as (
    select
        int_working_intervals.start_utc + to_microseconds(cast(round(
            1e6 * 60 * int_working_intervals.day_minutes
            * (cut_days.worked_days - {{ due_days }} - int_working_intervals.cum_days_before)
        ) as bigint)) as due_before_at
    from cut_days
    asof left join int_working_intervals
        on cut_days.worked_days - {{ due_days }} >= int_working_intervals.cum_days_before
),

crms as (
    select
        coalesce(string_agg('''' || source_crm || '''', ', ' order by source_crm) filter (where has_touches), '''''')
            as touching_crms,
        coalesce(bool_or(has_touches), false) as has_touches,
        coalesce(bool_or(has_touches and has_qualification), false) as has_handovers
    from int_source_capabilities
),

inbound as (
    select
        'inbound' as scope_value,
        int_finding_spans.last_month,
        sum(mart_inbound_month.never_answered_k) as k,
        sum(mart_inbound_month.never_answered_n) as n,
        bool_or(mart_inbound_month.never_answered_grade <> 'not_measurable') as is_recorded
    from int_finding_spans
    inner join mart_inbound_month
        on
            int_finding_spans.window_start <= mart_inbound_month.month
            and int_finding_spans.window_end > mart_inbound_month.month
    group by int_finding_spans.last_month
),

replies as (
    select
        int_reply_follow_ups.month,
        count(*) as n,
        count(case when not int_reply_follow_ups.is_speed_event then 1 end) as k
    from int_reply_follow_ups
    cross join due
    where int_reply_follow_ups.replied_at <= due.due_before_at
    group by int_reply_follow_ups.month
),

outbound as (
    select
        'outbound' as scope_value,
        int_finding_spans.last_month,
        coalesce(sum(replies.k), 0) as k,
        coalesce(sum(replies.n), 0) as n,
        -- No written reply at all is no trace of replies, rather than silence.
        (select count(*) from int_reply_follow_ups) > 0 as is_recorded
    from int_finding_spans
    left join replies
        on int_finding_spans.window_start <= replies.month and int_finding_spans.window_end > replies.month
    group by int_finding_spans.last_month
),

handovers as (
    select
        fct_handover.qualified_month as month,
        count(*) as n,
        count(case when fct_handover.first_closer_touch_at is null then 1 end) as k
    from fct_handover
    inner join fct_lead_cycle on fct_handover.cycle_id = fct_lead_cycle.cycle_id
    inner join int_source_capabilities on fct_handover.source_crm = int_source_capabilities.source_crm
    cross join due
    where
        fct_lead_cycle.excluded_reason is null
        and int_source_capabilities.has_touches
        and fct_handover.qualified_at <= due.due_before_at
        -- Won without a logged touch: somebody was there.
        and (fct_handover.first_closer_touch_at is not null or fct_handover.customer_at is null)
    group by fct_handover.qualified_month
),

closer as (
    select
        'closer' as scope_value,
        int_finding_spans.last_month,
        coalesce(sum(handovers.k), 0) as k,
        coalesce(sum(handovers.n), 0) as n,
        bool_or(crms.has_handovers) as is_recorded
    from int_finding_spans
    cross join crms
    left join handovers
        on int_finding_spans.window_start <= handovers.month and int_finding_spans.window_end > handovers.month
    group by int_finding_spans.last_month
),

scoped as (
    select * from inbound
    union all by name
    select * from outbound
    union all by name
    select * from closer
),

counts as (
    select
        *,
        'F2' as rule_id,
        null as figure,
        null as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from scoped
),

judged as (
    select
        shares.*,
        crms.touching_crms,
        crms.has_touches,
        format('timestamptz ''{}''', strftime(timezone('UTC', due.due_before_at), '%Y-%m-%d %H:%M:%S.%f+00')) as due_sql
    from {{ finding_shares('counts') }} as shares
    cross join crms
    cross join due
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "format('{} van {} {} ({}) van " ~ due_days ~ " werkdagen of ouder kregen nooit {} ({}).', k, n, case scope_value
                when 'inbound' then 'inbound leads' when 'outbound' then 'reacties van prospects'
                else 'overgedragen leads' end, " ~ percent_text('estimate') ~ ", case scope_value
                when 'inbound' then 'een reactie' when 'outbound' then 'antwoord' else 'een actie van de closer' end, period_nl)",
            "format('{} of {} {} ({}) of " ~ due_days ~ " working days or older never got {} ({}).', k, n, case scope_value
                when 'inbound' then 'inbound leads' when 'outbound' then 'replies of prospects'
                else 'leads handed over' end, " ~ percent_text('estimate') ~ ", case scope_value
                when 'inbound' then 'a response' when 'outbound' then 'an answer' else 'a touch of the closer' end, period_en)",
        ],
        actions=[
            "case scope_value
                when 'inbound' then
                    'Bel deze leads deze week alsnog, en spreek af wie een lead oppakt als de eigenaar niet kan.'
                when 'outbound' then 'Beantwoord deze reacties deze week, en spreek af wie reacties van prospects leest.'
                else 'Bel deze leads deze week alsnog, en laat de overdracht pas gelden als de closer haar aanneemt.'
            end",
            "case scope_value
                when 'inbound' then
                    'Call these leads this week after all, and agree who takes a lead when its owner cannot.'
                when 'outbound' then 'Answer these replies this week, and agree who reads the replies of prospects.'
                else 'Call these leads this week after all, and let a hand-over count only when the closer takes it.'
            end",
        ],
        missing=[
            "case when status = 'not_measurable' and has_touches then case scope_value
                when 'outbound' then 'Niet meetbaar: er zijn geen reacties van prospects vastgelegd.'
                when 'closer' then 'Niet meetbaar: nergens staat wanneer een lead gekwalificeerd is.'
            end end",
            "case when status = 'not_measurable' and has_touches then case scope_value
                when 'outbound' then 'Not measurable: no replies of prospects are logged.'
                when 'closer' then 'Not measurable: nothing records when a lead was qualified.'
            end end",
        ],
        missing_actions=[
            "case when status = 'not_measurable' and has_touches and scope_value = 'closer'
                then 'Stel in welke stap in het CRM kwalificatie betekent.' end",
            "case when status = 'not_measurable' and has_touches and scope_value = 'closer'
                then 'Set which step in the CRM means qualified.' end",
        ],
        rows_query="case scope_value
            when 'inbound' then
                'select cycle_id, source, owner_at_entry, owner_current, entered_at, outcome, age_working_days'
                || ' from marts.fct_lead_cycle where motion_first = ''inbound'' and excluded_reason is null'
                || ' and not (is_bulk_import and entered_precision = ''instant'') and not is_unlogged'
                || ' and first_attempt_at is null and age_working_days >= " ~ due_days ~ "'
                || ' and entered_at <= ' || as_of_sql
                || ' and entered_month >= ' || from_sql || ' and entered_month < ' || until_sql
                || ' and source_crm in (' || touching_crms || ') order by entered_at, cycle_id'
            when 'outbound' then
                'select touch_id, cycle_id, at_utc as replied_at from ('
                || " ~ reply_exchanges_sql() ~ "
                || ') as exchanges where not is_ours and coalesce(is_previous_ours, true) and answered_at is null'
                || ' and at_utc <= ' || due_sql
                || ' and at_local_date >= ' || from_sql || ' and at_local_date < ' || until_sql
                || ' order by replied_at, touch_id'
            else
                'select cycle_id, motion_first, source, closer_rep_id, qualified_at, rejected_at'
                || ' from marts.fct_handover where first_closer_touch_at is null and customer_at is null'
                || ' and qualified_at <= ' || due_sql || ' and source_crm in (' || touching_crms || ')'
                || ' and qualified_month >= ' || from_sql || ' and qualified_month < ' || until_sql
                || ' and cycle_id in (select cycle_id from marts.fct_lead_cycle where excluded_reason is null)'
                || ' order by qualified_at, cycle_id'
            end"
    ) }}
from judged
