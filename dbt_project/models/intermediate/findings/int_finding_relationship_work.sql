{{ config(materialized='table') }}

-- F3: somebody who should win customers spends more of the touches on customers there are. Roles are those of winning
-- customers, so whoever has one and mostly keeps relations is crowded out. Judged per person: of a team as a whole one
-- person's customers would vanish among colleagues' leads.
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
    select
        coalesce(bool_or(has_touches), false) as has_touches,
        -- Only a won deal makes a customer.
        coalesce(bool_or(has_touches), false) and coalesce(bool_or(has_won_deals), false) as is_recorded
    from int_source_capabilities
),

counts as (
    select
        people.*,
        recorded.is_recorded,
        people.figure > 0 as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from {{ finding_people('F3', 'relationship_count', 'touch_count') }} as people
    cross join recorded
),

judged as (
    select
        shares.*,
        recorded.has_touches
    from {{ finding_shares('counts') }} as shares
    cross join recorded
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "case when status = 'found' then format('{:.0f} {} meer bezig met klanten dan met het winnen van klanten. ', figure,
                case when figure = 1 then 'persoon is' else 'mensen zijn' end) else '' end
            || format('{} {} van {} contacten ({}) met bestaande klanten ({}).',
                case when status = 'found' then 'Het gaat om' else 'Het team had' end,
                k, n, " ~ percent_text('estimate') ~ ", period_nl)",
            "case when status = 'found' then format('{:.0f} {} more with customers than with winning customers. ', figure,
                case when figure = 1 then 'person is busy' else 'people are busy' end) else '' end
            || format('{} spent {} of {} touches ({}) on existing customers ({}).',
                case when status = 'found' and figure = 1 then 'That person'
                    when status = 'found' then 'Together they' else 'The team' end,
                k, n, " ~ percent_text('estimate') ~ ", period_en)",
        ],
        actions=[
            "'Leg relatiebeheer bij een ander dan wie klanten wint, of houd er vaste uren voor vrij na de acquisitie.'",
            "'Give relationship management to somebody else than who wins customers, or keep fixed hours for it after acquisition.'",
        ],
        missing=[
            "case when status = 'not_measurable' and has_touches
                then 'Niet meetbaar: zonder gewonnen deals is niet te zien wie klant is.' end",
            "case when status = 'not_measurable' and has_touches
                then 'Not measurable: without won deals nothing shows who is a customer.' end",
        ],
        missing_actions=[
            "case when status = 'not_measurable' and has_touches then 'Leg gewonnen deals in het CRM vast.' end",
            "case when status = 'not_measurable' and has_touches then 'Record won deals in the CRM.' end",
        ],
        rows_query=finding_work_sql() ~ "
            || ' select touch_id, rep_id, kind, at_utc from work where serves = ''relationship'''
            || " ~ finding_people_sql('work', "serves = ''relationship''")
    ) }}
from judged
