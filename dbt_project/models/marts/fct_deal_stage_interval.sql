with

stage_visits as (
    select * from {{ ref('int_deal_stage_visits') }}
),

int_working_intervals as (
    select * from {{ ref('int_working_intervals') }}
),

owner_intervals as (
    select * from {{ ref('int_owner_intervals') }}
    where record_kind = 'deal'
),

-- Time in a stage that closes a deal is no waiting; time in the others runs to the cut.
ends as (
    select
        *,
        case when not is_closed then coalesce(exited_at, {{ as_of() }}) end as counted_until_at
    from stage_visits
),

starts as (
    select
        ends.*,
        {{ worked_minutes('ends.entered_at') }} as entered_minutes
    from ends
    asof left join int_working_intervals on ends.entered_at >= int_working_intervals.start_utc
),

timed as (
    select
        starts.*,
        case when starts.counted_until_at is not null then {{ worked_minutes('starts.counted_until_at') }} end
            as counted_until_minutes
    from starts
    asof left join int_working_intervals on starts.counted_until_at >= int_working_intervals.start_utc
),

owned as (
    select
        timed.*,
        owner_intervals.rep_id
    from timed
    asof left join owner_intervals
        on timed.deal_id = owner_intervals.owned_id and timed.entered_at >= owner_intervals.valid_from
)

select
    md5(deal_id || '|' || step_no) as stage_interval_id,
    deal_id,
    {{ stage_key('source_crm', 'pipeline_id', 'stage_id') }} as stage_key,
    source_crm,
    pipeline_id,
    stage_id,
    stage_label,
    rep_id as owner_at_entry,
    outcome,
    cast(step_no as integer) as step_no,
    cast(visit_no as integer) as visit_no,
    cast((epoch(counted_until_at) - epoch(entered_at)) / 86400.0 as {{ double() }}) as days,
    cast(counted_until_minutes - entered_minutes as {{ double() }}) as working_minutes,
    was_skipped,
    is_backward,
    is_closed,
    cast(date_trunc('month', {{ local_date('entered_at') }}) as date) as entered_month,
    entered_at,
    exited_at,
    {{ publication_columns() }}
from owned
