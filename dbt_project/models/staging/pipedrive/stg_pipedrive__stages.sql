with

source as (
    select * from {{ source('raw_pipedrive', 'stages') }}
),

renamed as (
    select
        nullif(trim(id), '') as stage_id,
        nullif(trim(pipeline_id), '') as pipeline_id,
        nullif(trim(name), '') as stage_label,
        {{ try_cast('order_nr', 'integer') }} as stage_order,
        {{ try_cast('deal_probability', double()) }} / 100.0 as deal_probability,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['order_nr', try_cast('order_nr', 'integer')],
            ['deal_probability', try_cast('deal_probability', 'double')],
        ]) }} as failed_casts
    from source
)

select * from renamed
