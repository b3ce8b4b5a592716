{{ config(materialized='table') }}

-- F6, rule R10: an experienced person spends more than a fifth of the touches on cold outbound.
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

dim_rep as (
    select * from {{ ref('dim_rep') }}
),

recorded as (
    select coalesce(bool_or(has_touches), false) as is_recorded
    from int_source_capabilities
),

known_seniority as (
    select count(seniority) > 0 as is_seniority_known
    from dim_rep
),

counts as (
    select
        people.*,
        recorded.is_recorded,
        people.figure > 0 as is_fault,
        false as is_known_anyway,
        known_seniority.is_seniority_known and people.n = 0 as is_nothing_to_see
    from {{ finding_people('F6', 'outbound_count', 'touch_count', 'is_senior') }} as people
    cross join recorded
    cross join known_seniority
),

judged as (
    select
        shares.*,
        not known_seniority.is_seniority_known and shares.status = 'insufficient_data' as is_seniority_missing
    from {{ finding_shares('counts') }} as shares
    cross join known_seniority
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "case when n = 0 then 'Er is in deze periode geen werk van ervaren mensen vastgelegd.'
            else case when status = 'found' then format('{:.0f} ervaren {} meer dan {} van de contacten aan koude acquisitie. ',
                figure, case when figure = 1 then 'persoon besteedt' else 'mensen besteden' end, "
                ~ percent_text('threshold') ~ ") else '' end
            || format('{} {} van {} contacten ({}) aan koude acquisitie; hooguit {} is verstandig ({}).',
                case when status = 'found' then 'Het gaat om' else 'Ervaren mensen besteedden' end,
                k, n, " ~ percent_text('estimate') ~ ", " ~ percent_text('threshold') ~ ", period_nl) end",
            "case when n = 0 then 'No work of experienced people is logged in this period.'
            else case when status = 'found' then format('{:.0f} experienced {} more than {} of the touches on cold outbound. ',
                figure, case when figure = 1 then 'person spends' else 'people spend' end, "
                ~ percent_text('threshold') ~ ") else '' end
            || format('{} spent {} of {} touches ({}) on cold outbound; at most {} is wise ({}).',
                case when status = 'found' then 'Together they' else 'Experienced people' end,
                k, n, " ~ percent_text('estimate') ~ ", " ~ percent_text('threshold') ~ ", period_en) end",
        ],
        actions=[
            "'Geef de koude acquisitie aan een junior of parttimer, zodat ervaren mensen kunnen sluiten.'",
            "'Give cold outbound to a junior or part-timer, so that experienced people can close.'",
        ],
        missing=[
            "case when is_seniority_missing
                then 'Niet te beoordelen: van niemand in het team is de ervaring ingesteld.' end",
            "case when is_seniority_missing
                then 'Cannot be judged: nobody''s seniority is set in the configuration.' end",
        ],
        missing_actions=[
            "case when is_seniority_missing
                then 'Zet bij iedere verkoper in de configuratie of hij of zij senior of junior is.' end",
            "case when is_seniority_missing
                then 'Set in the configuration whether each salesperson is senior or junior.' end",
        ],
        rows_query=finding_work_sql() ~ "
            || ', experienced as (select * from work where rep_id in (select rep_id from marts.dim_rep'
            || ' where seniority in (''senior'', ''experienced'')))'
            || ' select touch_id, rep_id, kind, at_utc from experienced where serves = ''outbound'''
            || " ~ finding_people_sql('experienced', "serves = ''outbound''")
    ) }}
from judged
