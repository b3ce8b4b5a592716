{{ config(materialized='table') }}

-- F9: somebody jumps from role to role within the day instead of working in blocks. Of two touches that follow each
-- other on a day: how often the second serves another role. The number of roles a day would call two quiet blocks ad
-- hoc; the number of jumps a day would call a short day quiet.
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

recorded as (
    select coalesce(bool_or(has_touches), false) as is_recorded
    from int_source_capabilities
),

counts as (
    select
        people.*,
        recorded.is_recorded,
        people.figure > 0 as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from {{ finding_people('F9', 'switch_count', 'pair_count') }} as people
    cross join recorded
),

judged as (
    select * from {{ finding_shares('counts') }} as shares
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "case when status = 'found' then format('{:.0f} {} op een dag van het ene naar het andere soort werk. ', figure,
                case when figure = 1 then 'persoon springt' else 'mensen springen' end) else '' end
            || format('Na {} van {} contacten ({}) volgde dezelfde dag werk voor een andere rol; in vaste blokken is dat hooguit {} ({}).',
                k, n, " ~ percent_text('estimate') ~ ", " ~ percent_text('threshold') ~ ", period_nl)",
            "case when status = 'found' then format('{:.0f} {} from one kind of work to another within the day. ', figure,
                case when figure = 1 then 'person jumps' else 'people jump' end) else '' end
            || format('{} of {} touches ({}) were followed the same day by work for another role; in fixed blocks that is at most {} ({}).',
                k, n, " ~ percent_text('estimate') ~ ", " ~ percent_text('threshold') ~ ", period_en)",
        ],
        actions=[
            "'Zet per soort werk vaste blokken in de agenda: leads bellen, acquisitie, gesprekken met klanten.'",
            "'Put fixed blocks in the diary for each kind of work: calling leads, acquisition, meetings with customers.'",
        ],
        rows_query=finding_work_sql() ~ "
            || ', ordered as (select *, bool_or(precision = ''day'') over (partition by rep_id, at_local_date) as is_unordered,'
            || ' lag(serves) over (partition by rep_id, at_local_date order by at_utc, touch_id) as previous_serves from work'
            || ' where serves in (''inbound'', ''outbound'', ''closer'', ''relationship''))'
            || ', pairs as (select * from ordered where not is_unordered and previous_serves is not null)'
            || ' select touch_id, rep_id, at_utc, previous_serves, serves from pairs where previous_serves <> serves'
            || " ~ finding_people_sql('pairs', "previous_serves <> serves")
    ) }}
from judged
