with

leads as (
    select * from {{ ref('stg_pipedrive__leads') }}
),

deals as (
    select * from {{ ref('stg_pipedrive__deals') }}
),

persons as (
    select * from {{ ref('stg_pipedrive__persons') }}
),

swallowed as (
    select * from {{ ref('int_pipedrive__merges') }}
),

moves as (
    select * from {{ ref('int_pipedrive__deal_moves') }}
),

field_options as (
    select * from {{ ref('stg_pipedrive__field_options') }}
),

lead_stages as (
    select field_value as stage_id from {{ ref('stg_config__lead_milestones') }}
    where source_crm = 'pipedrive' and field = 'stage' and milestone = 'lead'
),

-- In a team without leads, a deal in one of these stages is one.
lead_deals as (
    select distinct moves.deal_id
    from moves
    inner join lead_stages on moves.open_stage_id = lead_stages.stage_id
),

-- Who was erased takes the leads along; who was merged does not.
erased_persons as (
    select persons.person_id
    from persons
    left join swallowed on persons.person_id = swallowed.source_id
    where persons.is_deleted and swallowed.source_id is null
),

unseen as (
    select * from deals
    where source_lead_id is not null and source_lead_id not in (select leads.lead_id from leads)
    qualify row_number() over (partition by source_lead_id order by created_at, deal_id) = 1
),

-- Converting destroys a lead. One that no night saw is known from its deal only, and nobody knows since when it was.
records as (
    select
        lead_id,
        person_id,
        organization_id,
        owner_id,
        custom_source,
        channel,
        source_name,
        origin,
        is_deleted and coalesce(deleted_how, '') <> 'converted' as is_deleted,
        created_at
    from leads
    union all by name
    select
        source_lead_id as lead_id,
        person_id,
        organization_id,
        owner_id,
        custom_source,
        channel,
        cast(null as text) as source_name,
        origin,
        false as is_deleted,
        cast(null as timestamptz) as created_at
    from unseen
    union all by name
    select
        deals.own_lead_id as lead_id,
        deals.person_id,
        deals.organization_id,
        deals.owner_id,
        deals.custom_source,
        deals.channel,
        cast(null as text) as source_name,
        deals.origin,
        deals.is_deleted,
        deals.created_at
    from deals
    inner join lead_deals on deals.deal_id = lead_deals.deal_id
    where deals.source_lead_id is null
)

select
    'pipedrive' as source_crm,
    records.lead_id,
    coalesce(records.person_id, records.organization_id, records.lead_id) as person_source_id,
    records.owner_id,
    coalesce(
        own_options.option_label,
        records.custom_source,
        channel_options.option_label,
        records.channel,
        records.source_name,
        records.origin
    ) as source_value,
    'instant' as created_precision,
    coalesce(lower(records.origin) in ('webform', 'webforms', 'livechat', 'chatbot'), false)
    or coalesce(lower(records.source_name) in ('web forms', 'live chat', 'chatbot'), false) as is_form,
    false as is_merge_result,
    false as is_merged_away,
    records.is_deleted or erased_persons.person_id is not null as is_deleted,
    records.created_at
from records
left join erased_persons on records.person_id = erased_persons.person_id
left join field_options as channel_options
    on channel_options.field_code = 'channel' and records.channel = channel_options.option_id
left join field_options as own_options
    on own_options.field_code <> 'channel' and records.custom_source = own_options.option_id
