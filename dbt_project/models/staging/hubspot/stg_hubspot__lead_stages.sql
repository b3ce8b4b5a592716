with

source as (
    select * from {{ source('raw_hubspot', 'lead_stages') }}
),

renamed as (
    select
        id as pipeline_stage_id,
        nullif(trim(pipeline_id), '') as pipeline_id,
        nullif(trim(stage_id), '') as stage_id,
        nullif(trim(label), '') as stage_label,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at
    from source
)

select * from renamed
