with

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

changes as (
    select * from {{ ref('stg_pipedrive__deal_changes') }}
    where field = 'expected_close_date'
),

moves as (
    select * from {{ ref('int_pipedrive__deal_moves') }}
),

field_options as (
    select * from {{ ref('stg_pipedrive__field_options') }}
    where field_code <> 'channel'
),

last_moves as (
    select
        deal_id,
        arg_max(stage_id, move_no) as stage_id,
        arg_max(pipeline_id, move_no) as pipeline_id,
        max(changed_at) as stage_entered_at
    from moves
    group by deal_id
),

settled as (
    select
        deals.deal_id,
        case when deals.status = 'won' then coalesce(deals.won_at, last_moves.stage_entered_at) end as won_at,
        case when deals.status = 'lost' then coalesce(deals.lost_at, last_moves.stage_entered_at) end as lost_at
    from deals
    left join last_moves on deals.deal_id = last_moves.deal_id
),

pushes as (
    select
        changes.deal_id,
        count(*) as push_count
    from changes
    inner join settled on changes.deal_id = settled.deal_id
    where
        {{ try_cast('changes.new_value', 'date') }} > {{ try_cast('changes.old_value', 'date') }}
        and changes.changed_at < coalesce(settled.won_at, settled.lost_at, {{ as_of() }})
    group by changes.deal_id
),

-- An option's id is unique among the company's own fields.
types as (
    select
        option_id,
        min(option_label) as type_label
    from field_options
    group by option_id
)

select
    'pipedrive' as source_crm,
    deals.deal_id,
    deals.owner_id,
    cast(null as text) as qualified_by_id,
    cast(null as text) as closed_by_id,
    coalesce(last_moves.pipeline_id, deals.pipeline_id) as pipeline_id,
    coalesce(last_moves.stage_id, deals.stage_id) as stage_id,
    deals.lost_reason,
    deals.currency_code,
    deals.amount,
    coalesce(pushes.push_count, 0) as push_count,
    coalesce(
        not regexp_matches(
            lower(coalesce(types.type_label, deals.custom_type)), 'exist|bestaand|renew|verleng|upsell'
        ),
        true
    ) as is_new_business,
    deals.is_deleted,
    deals.created_at,
    settled.won_at,
    settled.lost_at,
    last_moves.stage_entered_at
from deals
inner join settled on deals.deal_id = settled.deal_id
left join last_moves on deals.deal_id = last_moves.deal_id
left join pushes on deals.deal_id = pushes.deal_id
left join types on deals.custom_type = types.option_id
