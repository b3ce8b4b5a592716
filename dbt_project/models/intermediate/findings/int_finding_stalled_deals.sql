{{ config(materialized='table') }}

-- F10: more of the open deals stand still than the stages' own pace makes usual, with the hours logged on them. By its
-- own pace a fifth of the stays in a stage is long, so a fifth is no fault. The newest window looks at the cut, as a
-- deal is stalled now or not; earlier ones at the end of their last month, with the pace known now. Hours are those of
-- completed calls and held meetings, so at least so many were spent.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

int_finding_spans as (
    select * from {{ ref('int_finding_spans') }}
),

int_months as (
    select * from {{ ref('int_months') }}
),

int_deal_outcomes as (
    select * from {{ ref('int_deal_outcomes') }}
),

int_stage_times as (
    select * from {{ ref('int_stage_times') }}
    where period_type = 'all' and n >= greatest(20, {{ var('min_n_rate') }})
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

fct_deal_stage_interval as (
    select * from {{ ref('fct_deal_stage_interval') }}
),

fct_touch as (
    select * from {{ ref('fct_touch') }}
),

hours as (
    select
        deal_id,
        sum(cast(duration_seconds as decimal(18, 3))) as logged_seconds
    from fct_touch
    where
        deal_id is not null
        and actor <> 'automated'
        and result in ('attempt', 'contact')
        and duration_seconds > 0
        and at_utc <= {{ as_of() }}
    group by deal_id
),

-- Without any duration in the CRM nothing is known, which is not nought.
noted as (
    select count(*) > 0 as has_hours
    from hours
),

standing as (
    select
        count(case when int_deal_outcomes.is_stalled then 1 end) as k,
        count(*) as n,
        -- Decimals until the end, whose sum does not depend on their order.
        coalesce(sum(case when int_deal_outcomes.is_stalled then hours.logged_seconds end) / 3600.0, 0) as figure,
        bool_or(noted.has_hours) as has_hours
    from int_deal_outcomes
    cross join noted
    left join hours on int_deal_outcomes.deal_id = hours.deal_id
    where int_deal_outcomes.status = 'open' and int_deal_outcomes.has_deal_dates
),

recorded as (
    select coalesce(bool_or(has_deal_dates), false) as is_recorded
    from int_deal_outcomes
),

-- Stays in open stages; a deal of a source without stages is in one stage as long as it is open.
stays as (
    select
        fct_deal_stage_interval.entered_at,
        fct_deal_stage_interval.entered_at + to_microseconds(
            cast(round(1e6 * 86400 * coalesce(int_stage_times.p80_days, {{ var('stalled_days') }})) as bigint)
        ) as stalled_at,
        fct_deal_stage_interval.exited_at
    from fct_deal_stage_interval
    left join int_stage_times
        on
            fct_deal_stage_interval.source_crm = int_stage_times.source_crm
            and fct_deal_stage_interval.pipeline_id is not distinct from int_stage_times.pipeline_id
            and fct_deal_stage_interval.stage_id = int_stage_times.stage_id
    where not fct_deal_stage_interval.is_closed and not fct_deal_stage_interval.was_skipped
    union all by name
    select
        fct_deal.created_at as entered_at,
        fct_deal.created_at + to_days({{ var('stalled_days') }}) as stalled_at,
        coalesce(fct_deal.won_at, fct_deal.lost_at) as exited_at
    from fct_deal
    left join fct_deal_stage_interval on fct_deal.deal_id = fct_deal_stage_interval.deal_id
    where fct_deal_stage_interval.deal_id is null and fct_deal.created_at is not null
),

-- The first end of a month at which a stay was there, stood still, was over: three joins, no row per stay and month.
steps as (
    select
        stays.*,
        seen.month_no as seen_no,
        late.month_no as stalled_no,
        gone.month_no as gone_no
    from stays
    asof left join int_months as seen on stays.entered_at <= seen.ends_at
    asof left join int_months as late on stays.stalled_at < late.ends_at
    asof left join int_months as gone on stays.exited_at <= gone.ends_at
),

turns as (
    select
        seen_no as month_no,
        1 as n,
        0 as k
    from steps
    where seen_no < coalesce(gone_no, seen_no + 1)
    union all by name
    select
        stalled_no as month_no,
        0 as n,
        1 as k
    from steps
    where stalled_no < coalesce(gone_no, stalled_no + 1)
    union all by name
    select
        gone_no as month_no,
        case when seen_no < gone_no then -1 else 0 end as n,
        case when stalled_no < gone_no then -1 else 0 end as k
    from steps
    where gone_no is not null
),

monthly as (
    select
        int_months.month,
        sum(coalesce(sum(turns.k), 0)) over (order by int_months.month_no) as k,
        sum(coalesce(sum(turns.n), 0)) over (order by int_months.month_no) as n
    from int_months
    left join turns on int_months.month_no = turns.month_no
    group by int_months.month, int_months.month_no
),

counts as (
    select
        'F10' as rule_id,
        'closer' as scope_value,
        int_finding_spans.last_month,
        case when int_finding_spans.is_newest then standing.k else monthly.k end as k,
        case when int_finding_spans.is_newest then standing.n else monthly.n end as n,
        case when int_finding_spans.is_newest and standing.has_hours then standing.figure end as figure,
        recorded.is_recorded,
        null as is_fault,
        false as is_known_anyway,
        false as is_nothing_to_see
    from int_finding_spans
    inner join monthly on int_finding_spans.last_month = monthly.month
    cross join standing
    cross join recorded
),

judged as (
    select * from {{ finding_shares('counts') }} as shares
)

select
    {{ finding_columns('judged') }},
    {{ finding_words(
        texts=[
            "format('{} van {} open deals ({}) staan langer stil dan voor hun fase gewoon is; gewoon is een op de vijf.',
                k, n, " ~ percent_text('estimate') ~ ")
            || case when figure is null then ' Wat ze aan uren kostten is niet vastgelegd.'
                else ' Er is minstens ' || " ~ number_text('figure', 1, 'nl') ~ "
                    || ' uur aan besteed (alleen vastgelegde gesprekken).' end",
            "format('{} of {} open deals ({}) stand still for longer than is usual for their stage; one in five is usual.',
                k, n, " ~ percent_text('estimate') ~ ")
            || case when figure is null then ' What they cost in hours is not logged.'
                else ' At least ' || " ~ number_text('figure', 1, 'en') ~ "
                    || ' hours went into them (logged calls and meetings only).' end",
        ],
        actions=[
            "'Loop deze deals deze week na: plan per deal een volgende stap met datum, of sluit hem als verloren.'",
            "'Go through these deals this week: plan a dated next step for each, or close it as lost.'",
        ],
        missing=[
            "case when status = 'not_measurable' then 'Niet meetbaar: van deals is geen begin vastgelegd.' end",
            "case when status = 'not_measurable' then 'Not measurable: no deal has a recorded beginning.' end",
        ],
        missing_actions=[
            "case when status = 'not_measurable' then 'Leg deals in het CRM vast zodra ze beginnen, niet pas als ze gewonnen zijn.' end",
            "case when status = 'not_measurable' then 'Record deals in the CRM when they begin, not only once they are won.' end",
        ],
        rows_query="'with paces as (select source_crm, pipeline_id, stage_id, p80_days from marts.mart_time_in_stage'
            || ' where period_type = ''all'' and n >= 20)'
            || ', hours as (select deal_id, sum(cast(duration_seconds as decimal(18, 3))) / 3600 as logged_hours'
            || ' from marts.fct_touch where actor <> ''automated'' and result in (''attempt'', ''contact'') and duration_seconds > 0 and at_utc <= ' || as_of_sql
            || ' group by deal_id)'
            || ' select deal_id, fct_deal.stage_label, owner_current_rep_id, amount_reporting, stage_entered_at,'
            || ' last_touch_at, next_step_at, coalesce(p80_days, " ~ var('stalled_days') ~ ") as usual_days, logged_hours'
            || ' from marts.fct_deal left join paces on fct_deal.source_crm = paces.source_crm'
            || ' and fct_deal.pipeline_id is not distinct from paces.pipeline_id and fct_deal.stage_id = paces.stage_id'
            || ' left join hours using (deal_id)'
            || ' where status = ''open'' and date_diff(''second'', coalesce(stage_entered_at, created_at), ' || as_of_sql
            || ') / 86400.0 > coalesce(p80_days, " ~ var('stalled_days') ~ ") order by logged_hours desc nulls last, deal_id'"
    ) }}
from judged
