with

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

-- Deleting and restoring are no steps of a sale.
changes as (
    select * from {{ ref('stg_pipedrive__deal_changes') }}
    where
        field in ('stage_id', 'status')
        and new_value is not null
        and new_value <> 'deleted'
        and coalesce(old_value, '') <> 'deleted'
),

stages as (
    select * from {{ ref('stg_pipedrive__stages') }}
),

first_values as (
    select
        deal_id,
        arg_min(old_value, (changed_at, change_no)) filter (where field = 'stage_id') as stage_id,
        arg_max(new_value, (changed_at, change_no)) filter (where field = 'stage_id') as last_stage_id,
        arg_max(new_value, (changed_at, change_no)) filter (where field = 'status') as last_status
    from changes
    group by deal_id
),

-- Where the flow does not end where the deal is (an import, a flow that can't be read), the deal says how it ended.
events as (
    select
        deals.deal_id,
        0 as change_no,
        coalesce(first_values.stage_id, deals.stage_id) as stage_id,
        'open' as status,
        deals.created_by_id as changed_by_id,
        deals.created_at as changed_at
    from deals
    left join first_values on deals.deal_id = first_values.deal_id
    union all by name
    select
        deal_id,
        change_no,
        case when field = 'stage_id' then new_value end as stage_id,
        case when field = 'status' then lower(new_value) end as status,
        changed_by_id,
        changed_at
    from changes
    union all by name
    select
        deals.deal_id,
        cast(null as bigint) as change_no,
        deals.stage_id,
        deals.status,
        cast(null as text) as changed_by_id,
        coalesce(deals.won_at, deals.lost_at, deals.stage_changed_at, deals.updated_at) as changed_at
    from deals
    left join first_values on deals.deal_id = first_values.deal_id
    where
        (
            coalesce(first_values.last_status, 'open') is distinct from deals.status
            and deals.status in ('open', 'won', 'lost')
        )
        or first_values.last_stage_id <> deals.stage_id
),

ordered as (
    select
        *,
        row_number() over (partition by deal_id order by changed_at, change_no nulls last) as move_no,
        row_number() over (partition by deal_id, changed_at order by change_no nulls last) as tie_no
    from events
    where changed_at is not null
),

filled as (
    select
        deal_id,
        move_no,
        changed_by_id,
        last_value(stage_id ignore nulls) over (partition by deal_id order by move_no) as stage_id,
        last_value(status ignore nulls) over (partition by deal_id order by move_no) as status,
        -- The flow tells whole seconds; its ids say what came first, and a microsecond keeps that order.
        changed_at + to_microseconds(tie_no - 1) as changed_at
    from ordered
),

-- Won and lost are no stages here; everywhere else they are, so each pipeline is given two more.
placed as (
    select
        filled.deal_id,
        filled.move_no,
        filled.changed_by_id,
        coalesce(stages.pipeline_id, deals.pipeline_id) as pipeline_id,
        filled.stage_id as open_stage_id,
        case when filled.status in ('won', 'lost') then filled.status else filled.stage_id end as stage_id,
        filled.changed_at
    from filled
    inner join deals on filled.deal_id = deals.deal_id
    left join stages on filled.stage_id = stages.stage_id
),

compared as (
    select
        *,
        lag(pipeline_id || '/' || stage_id) over (partition by deal_id order by move_no) as previous_place
    from placed
)

select * exclude (previous_place)
from compared
where stage_id is not null and (pipeline_id || '/' || stage_id) is distinct from previous_place
