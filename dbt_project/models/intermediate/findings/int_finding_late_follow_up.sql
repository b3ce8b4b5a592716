{{ config(materialized='table') }}

{%- set targets = var('speed_target_working_minutes') %}

-- F1: half of those who wait for us wait longer than the role's target: an inbound lead for its first attempt, a
-- prospect for an answer to a reply, a hand-over for the closer. Whoever is still waiting counts.
with

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_speed_estimates as (
    select * from {{ ref('int_speed_estimates') }}
    where slice_type = 'all' and period_type = 'roll3'
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
    where period_type = 'roll3'
),

crms as (
    select
        coalesce(string_agg('''' || source_crm || '''', ', ' order by source_crm) filter (where has_speed), '''''')
            as timed_crms,
        coalesce(
            string_agg('''' || source_crm || '''', ', ' order by source_crm) filter (where has_lead_speed), ''''''
        ) as lead_timed_crms
    from int_source_capabilities
),

judged as (
    select
        'F1' as rule_id,
        mart_role_scorecard.role as scope_value,
        int_finding_spans.*,
        crms.timed_crms,
        crms.lead_timed_crms,
        cast(coalesce(int_speed_estimates.answered, 0) as bigint) as k,
        cast(mart_role_scorecard.speed_n as bigint) as n,
        mart_role_scorecard.speed_median_wm as estimate,
        mart_role_scorecard.speed_ci_low_wm as ci_low,
        mart_role_scorecard.speed_ci_high_wm as ci_high,
        mart_role_scorecard.speed_target_wm as threshold,
        mart_role_scorecard.speed_p90_wm as figure,
        case
            when mart_role_scorecard.speed_status = 'not_measurable' then 'not_measurable'
            when mart_role_scorecard.speed_status = 'insufficient' then 'insufficient_data'
            -- A median that is not reached is later than any target.
            when coalesce(mart_role_scorecard.speed_median_wm > mart_role_scorecard.speed_target_wm, true) then 'found'
            else 'clear'
        end as status,
        coalesce(mart_role_scorecard.speed_ci_low_wm > mart_role_scorecard.speed_target_wm, false) as is_certain,
        case mart_role_scorecard.role
            when 'inbound' then 'inbound leads'
            when 'outbound' then 'reacties van prospects'
            else 'overgedragen leads'
        end as waiting_nl,
        case mart_role_scorecard.role
            when 'inbound' then 'inbound leads'
            when 'outbound' then 'replies of prospects'
            else 'leads handed over'
        end as waiting_en,
        case mart_role_scorecard.role
            when 'inbound' then 'een eerste reactie'
            when 'outbound' then 'antwoord'
            else 'een eerste actie van de closer'
        end as awaited_nl,
        case mart_role_scorecard.role
            when 'inbound' then 'a first response'
            when 'outbound' then 'an answer'
            else 'a first touch of the closer'
        end as awaited_en
    from int_finding_spans
    inner join mart_role_scorecard on int_finding_spans.window_start = mart_role_scorecard.period_start
    left join int_speed_estimates
        on
            mart_role_scorecard.role = int_speed_estimates.role
            and mart_role_scorecard.period_start = int_speed_estimates.period_start
    cross join crms
),

queried as (
    select
        *,
        case scope_value
            when 'inbound'
                then
                    'select cycle_id, source, owner_at_entry, entered_at, first_attempt_at, speed_time_wm'
                    || ' from marts.fct_lead_cycle where motion_first = ''inbound'' and is_speed_eligible'
                    || ' and speed_time_wm is not null and entered_at <= ' || as_of_sql
                    || ' and source_crm in (' || lead_timed_crms || ')'
                    || ' and entered_month >= ' || from_sql || ' and entered_month < ' || until_sql
                    || ' order by speed_time_wm desc, cycle_id'
            when 'outbound'
                then
                    'select touch_id, cycle_id, at_utc as replied_at, answered_at from ('
                    || {{ reply_exchanges_sql() }}
                    || ') as exchanges where not is_ours and coalesce(is_previous_ours, true)'
                    || ' and source_crm in (' || timed_crms || ')'
                    || ' and at_local_date >= ' || from_sql || ' and at_local_date < ' || until_sql
                    || ' order by answered_at is not null, replied_at, touch_id'
            else
                'select cycle_id, source, closer_rep_id, qualified_at, first_closer_touch_at, speed_time_wm'
                || ' from marts.fct_handover where speed_time_wm is not null and qualified_at <= ' || as_of_sql
                || ' and qualified_month >= ' || from_sql || ' and qualified_month < ' || until_sql
                || ' and source_crm in (' || timed_crms || ')'
                || ' and cycle_id in (select cycle_id from marts.fct_lead_cycle where excluded_reason is null)'
                || ' order by speed_time_wm desc, cycle_id'
        end as listed_sql
    from judged
)

select
    {{ finding_columns('queried') }},
    {{ finding_words(
        texts=[
            "case when estimate is null
                then format('Minder dan de helft van de {} {} kreeg {}; het doel is de helft binnen ', n, waiting_nl, awaited_nl)
                    || " ~ working_time_text('threshold', 'nl') ~ " || ' (' || period_nl || ').'
                else format('De helft van de {} {} krijgt binnen ', n, waiting_nl)
                    || " ~ working_time_text('estimate', 'nl') ~ " || format(' {}; het doel is ', awaited_nl)
                    || " ~ working_time_text('threshold', 'nl')
                    ~ " || '. Wie nog wacht telt mee (' || period_nl || ').'
            end",
            "case when estimate is null
                then format('Fewer than half of the {} {} got {}; the target is half within ', n, waiting_en, awaited_en)
                    || " ~ working_time_text('threshold', 'en') ~ " || ' (' || period_en || ').'
                else format('Half of the {} {} get {} within ', n, waiting_en, awaited_en)
                    || " ~ working_time_text('estimate', 'en') ~ " || '; the target is '
                    || " ~ working_time_text('threshold', 'en')
                    ~ " || '. Whoever still waits counts (' || period_en || ').'
            end",
        ],
        actions=[
            "case scope_value
                when 'inbound' then
                    'Spreek af wie elk uur nieuwe leads belt, en regel vervanging; begin met wie het langst wacht.'
                when 'outbound' then
                    'Begin elk blok acquisitie met antwoorden op reacties; begin met wie het langst wacht.'
                else 'Plan bij de overdracht meteen een afspraak in de agenda van de closer; begin met de langst wachtenden.'
            end",
            "case scope_value
                when 'inbound' then
                    'Agree who calls new leads every hour, and who stands in; start with those who wait longest.'
                when 'outbound' then
                    'Begin every block of acquisition with answering replies; start with those who wait longest.'
                else 'Book a slot in the closer''s diary at the moment of hand-over; start with those waiting longest.'
            end",
        ],
        missing=[
            "case when status = 'not_measurable' then case scope_value
                when 'closer' then 'Niet meetbaar: er is geen overdracht met een vastgelegde eerste actie van de closer.'
                when 'outbound' then 'Niet meetbaar: er zijn geen reacties van prospects vastgelegd.'
            end end",
            "case when status = 'not_measurable' then case scope_value
                when 'closer' then 'Not measurable: no hand-over has a logged first action by the closer.'
                when 'outbound' then 'Not measurable: no replies of prospects are logged.'
            end end",
        ],
        rows_query='listed_sql'
    ) }}
from queried
