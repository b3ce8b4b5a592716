{{ config(materialized='table') }}

-- F4: too few of the working days are days of acquisition.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

mart_outbound_month as (
    select * from {{ ref('mart_outbound_month') }}
    where slice_type = 'all'
),

recorded as (
    select coalesce(bool_or(has_touches), false) as is_recorded
    from int_source_capabilities
),

counts as (
    select
        'F4' as rule_id,
        'outbound' as scope_value,
        int_finding_spans.last_month,
        sum(mart_outbound_month.active_days) as k,
        sum(mart_outbound_month.working_days) as n,
        max(mart_outbound_month.longest_gap_working_days) as figure,
        bool_or(recorded.is_recorded) as is_recorded,
        null as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from int_finding_spans
    inner join mart_outbound_month
        on
            int_finding_spans.window_start <= mart_outbound_month.month
            and int_finding_spans.window_end > mart_outbound_month.month
    cross join recorded
    group by int_finding_spans.last_month
),

judged as (
    select * from {{ finding_shares('counts') }} as shares
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "format('Op {} van {} werkdagen ({}) waren er minstens " ~ var('min_new_touches')
                ~ " acquisitiecontacten; de langste stilte duurde {:.0f} werkdagen ({}).',
                k, n, " ~ percent_text('estimate') ~ ", figure, period_nl)",
            "format('On {} of {} working days ({}) there were at least " ~ var('min_new_touches')
                ~ " acquisition touches; the longest silence was {:.0f} working days ({}).',
                k, n, " ~ percent_text('estimate') ~ ", figure, period_en)",
        ],
        actions=[
            "'Reserveer elke werkdag een vast blok voor acquisitie, ook als er veel leads binnenkomen.'",
            "'Reserve a fixed block for acquisition every working day, also when many leads come in.'",
        ],
        severity="case when is_certain and figure >= 10 then 'high' end",
        rows_query="'select date_day, count(touch_id) as outbound_touches,'
            || ' count(touch_id) >= " ~ var('min_new_touches') ~ " as is_active from marts.dim_date left join'
            || ' (select touch_id, at_local_date from marts.fct_touch left join marts.fct_lead_cycle using (cycle_id)'
            || ' where is_human_attempt and role_at_event <> ''relationship'' and deal_id is null'
            || ' and coalesce(at_utc <= qualified_at, true) and coalesce(motion_first, role_at_event) = ''outbound'''
            || ' and excluded_reason is null) as touches on at_local_date = date_day'
            || ' where is_working_day and date_day >= ' || from_sql || ' and date_day < ' || until_sql
            || ' group by date_day order by is_active, date_day'"
    ) }}
from judged
