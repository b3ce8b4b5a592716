{{ config(materialized='table') }}

-- F7, rule R9: somebody does all three roles, by the work seen (at least a tenth of the touches in each) or by
-- assignment. Who is assigned all three does the whole process, whether or not the work is logged.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_finding_rep_spans as (
    select * from {{ ref('int_finding_rep_spans') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_role_capacity as (
    select * from {{ ref('int_role_capacity') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

recorded as (
    select coalesce(bool_or(has_touches), false) as is_recorded
    from int_source_capabilities
),

whole_process_reps as (
    select
        month as last_month,
        rep_id
    from int_role_capacity
    where role in ('inbound', 'outbound', 'closer')
    group by month, rep_id
    having count(distinct role) = 3
    union
    select
        last_month,
        rep_id
    from int_finding_rep_spans
    where
        touch_count >= {{ var('min_n_rate') }}
        and least(inbound_count, outbound_count, closer_count) >= 0.10 * touch_count
),

people as (
    select
        last_month,
        count(*) as person_count
    from whole_process_reps
    group by last_month
),

touches as (
    select
        int_finding_rep_spans.last_month,
        sum(case when whole_process_reps.rep_id is not null then int_finding_rep_spans.touch_count else 0 end) as k,
        sum(int_finding_rep_spans.touch_count) as n
    from int_finding_rep_spans
    left join whole_process_reps
        on
            int_finding_rep_spans.last_month = whole_process_reps.last_month
            and int_finding_rep_spans.rep_id = whole_process_reps.rep_id
    group by int_finding_rep_spans.last_month
),

counts as (
    select
        'F7' as rule_id,
        'team' as scope_value,
        int_finding_spans.last_month,
        touches.k,
        touches.n,
        coalesce(people.person_count, 0) as figure,
        recorded.is_recorded,
        coalesce(people.person_count, 0) > 0 as is_fault,
        coalesce(people.person_count, 0) > 0 as is_known_anyway,
        false as is_nothing_to_see
    from int_finding_spans
    cross join recorded
    left join people on int_finding_spans.last_month = people.last_month
    left join touches on int_finding_spans.last_month = touches.last_month
),

judged as (
    select
        shares.* exclude (is_certain),
        shares.figure > 0 as is_certain,
        int_metric_scope.is_startup
    from {{ finding_shares('counts') }} as shares
    cross join int_metric_scope
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "case when status = 'found'
                then format('{:.0f} {} acquisitie, opvolging en sluiten tegelijk, samen {} van {} contacten ({}).', figure,
                    case when figure = 1 then 'persoon doet' else 'personen doen' end, k, n, period_nl)
                else format('Niemand doet het hele verkoopproces alleen, gezien {} contacten ({}).', n, period_nl) end",
            "case when status = 'found'
                then format('{:.0f} {} acquisition, follow-up and closing alike, together {} of {} touches ({}).', figure,
                    case when figure = 1 then 'person does' else 'people do' end, k, n, period_en)
                else format('Nobody does the whole sales process alone, judged on {} touches ({}).', n, period_en) end",
        ],
        actions=[
            "case when is_startup
                then 'Voor een start-up is dit gewoon; splits als eerste het werven van leads af van de opvolging.'
                else 'Splits ten minste het werven van leads van de opvolging, liefst over twee parttimers.' end",
            "case when is_startup
                then 'For a start-up this is usual; split lead generation from follow-up first.'
                else 'Split at least lead generation from follow-up, preferably over two part-timers.' end",
        ],
        severity="case when is_startup then 'low' end",
        rows_query=finding_work_sql() ~ "
            || ' select touch_id, rep_id, serves, kind, at_utc from work where rep_id in (select rep_id from work'
            || ' group by rep_id having count(*) >= " ~ var('min_n_rate') ~ " and least('
            || ' count(*) filter (where serves = ''inbound''), count(*) filter (where serves = ''outbound''),'
            || ' count(*) filter (where serves = ''closer'')) >= 0.10 * count(*))'
            || ' or rep_id in (select rep_id from marts.dim_role_assignment left join marts.dim_rep using (rep_id)'
            || ' where role in (''inbound'', ''outbound'', ''closer'') and share > 0 and valid_from < ' || until_sql
            || ' and coalesce(valid_to >= date ''' || last_month || ''', true)'
            || ' and (coalesce(is_active, true) or valid_to is not null)'
            || ' group by rep_id having count(distinct role) = 3)'
            || ' order by rep_id, at_utc, touch_id'"
    ) }}
from judged
