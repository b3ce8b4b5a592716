with

source as (
    select * from {{ source('raw_hubspot', 'deal_stages') }}
),

renamed as (
    select
        id as pipeline_stage_id,
        nullif(trim(pipeline_id), '') as pipeline_id,
        nullif(trim(stage_id), '') as stage_id,
        nullif(trim(pipeline_label), '') as pipeline_label,
        nullif(trim(label), '') as stage_label,
        {{ try_cast('display_order', 'integer') }} as stage_order,
        {{ try_cast('probability', double()) }} as probability,
        {{ try_cast('is_closed', 'boolean') }} as is_closed,
        {{ try_cast('archived', 'boolean') }} as is_archived,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['display_order', try_cast('display_order', 'integer')],
            ['probability', try_cast('probability', 'double')],
            ['is_closed', try_cast('is_closed', 'boolean')],
            ['archived', try_cast('archived', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
