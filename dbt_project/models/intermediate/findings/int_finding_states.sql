{{ config(materialized='table') }}

-- What became of each finding over the windows. Only a verdict (found or clear) changes a state: a quarter with too
-- little data solves nothing, and neither does one clear window, which in a small team is often chance. States come
-- from the facts as they are known now and not from earlier publications, so the same data at the same moment always
-- give the same states.
with

stg_config__finding_rules as (
    select * from {{ ref('stg_config__finding_rules') }}
),

stg_config__finding_suppressions as (
    select * from {{ ref('stg_config__finding_suppressions') }}
),

int_finding_windows as (
    select * from {{ ref('int_finding_windows') }}
),

newest as (
    select max(last_month) as newest_month
    from int_finding_windows
),

-- A stretch of windows with the same status says since when it holds.
stretches as (
    select
        *,
        coalesce(status <> lag(status) over (partition by rule_id, scope_value order by last_month), true) as is_change
    from int_finding_windows
),

held as (
    select
        rule_id,
        scope_value,
        max(case when is_change then window_start end) as since
    from stretches
    group by rule_id, scope_value
),

-- Found at once, clear only when clear twice running.
steadied as (
    select
        rule_id,
        scope_value,
        last_month,
        window_end,
        case
            when status = 'found' then 'found'
            when lag(status) over (partition by rule_id, scope_value order by last_month) = 'found' then 'found'
            else 'clear'
        end as status
    from int_finding_windows
    where status in ('found', 'clear')
),

verdicts as (
    select
        *,
        coalesce(status <> lag(status) over (partition by rule_id, scope_value order by last_month), true) as is_turn
    from steadied
),

-- The first day after a window is the day on which what it shows can be known.
last_verdicts as (
    select
        rule_id,
        scope_value,
        arg_max(status, last_month) as verdict,
        max(case when is_turn and status = 'found' then last_month end) as opened_month,
        max(case when is_turn and status = 'found' then window_end end) as opened_on,
        max(case when is_turn and status = 'clear' then last_month end) as cleared_month,
        max(case when is_turn and status = 'clear' then window_end end) as cleared_on
    from verdicts
    group by rule_id, scope_value
),

-- Until the day named, that day not included. A suppression of one scope goes before one of all.
suppressions as (
    select
        stg_config__finding_rules.rule_id,
        stg_config__finding_rules.scope_value,
        stg_config__finding_suppressions.suppressed_reason,
        stg_config__finding_suppressions.suppressed_by,
        stg_config__finding_suppressions.suppressed_until
    from stg_config__finding_rules
    inner join stg_config__finding_suppressions
        on
            stg_config__finding_rules.rule_id = stg_config__finding_suppressions.rule_id
            and coalesce(
                stg_config__finding_rules.scope_value = stg_config__finding_suppressions.scope_value, true
            )
    where {{ local_date(as_of()) }} < stg_config__finding_suppressions.suppressed_until
    qualify row_number() over (
        partition by stg_config__finding_rules.rule_id, stg_config__finding_rules.scope_value
        order by
            stg_config__finding_suppressions.scope_value asc nulls last,
            stg_config__finding_suppressions.suppressed_until desc,
            stg_config__finding_suppressions.suppression_id asc
    ) = 1
),

told as (
    select
        stg_config__finding_rules.rule_id,
        stg_config__finding_rules.scope_value,
        held.since,
        suppressions.suppressed_reason,
        suppressions.suppressed_by,
        suppressions.suppressed_until,
        case
            when last_verdicts.verdict = 'found' and suppressions.rule_id is not null then 'suppressed'
            when last_verdicts.verdict = 'found' and last_verdicts.opened_month = newest.newest_month then 'new'
            when last_verdicts.verdict = 'found' then 'open'
            when
                last_verdicts.verdict = 'clear'
                and last_verdicts.opened_month is not null
                and newest.newest_month < last_verdicts.cleared_month + to_months({{ var('solved_months') }})
                then 'solved'
        end as state,
        last_verdicts.opened_on,
        last_verdicts.cleared_on
    from stg_config__finding_rules
    cross join newest
    left join held
        on
            stg_config__finding_rules.rule_id = held.rule_id
            and stg_config__finding_rules.scope_value = held.scope_value
    left join last_verdicts
        on
            stg_config__finding_rules.rule_id = last_verdicts.rule_id
            and stg_config__finding_rules.scope_value = last_verdicts.scope_value
    left join suppressions
        on
            stg_config__finding_rules.rule_id = suppressions.rule_id
            and stg_config__finding_rules.scope_value = suppressions.scope_value
)

select
    rule_id,
    scope_value,
    since,
    state,
    case when state is not null then opened_on end as opened_on,
    case when state = 'solved' then cleared_on end as solved_on,
    case when state = 'suppressed' then suppressed_reason end as suppressed_reason,
    case when state = 'suppressed' then suppressed_by end as suppressed_by,
    case when state = 'suppressed' then suppressed_until end as suppressed_until
from told
