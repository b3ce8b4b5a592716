with

source as (
    select * from {{ source('raw_salesforce', 'opportunity_stages') }}
),

renamed as (
    select
        id as stage_record_id,
        nullif(trim(api_name), '') as stage_id,
        nullif(trim(label), '') as stage_label,
        {{ try_cast('sort_order', 'integer') }} as stage_order,
        {{ try_cast('default_probability', double()) }} / 100.0 as default_probability,
        {{ try_cast('is_closed', 'boolean') }} as is_closed,
        {{ try_cast('is_won', 'boolean') }} as is_won,
        {{ try_cast('is_active', 'boolean') }} as is_active,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['sort_order', try_cast('sort_order', 'integer')],
            ['default_probability', try_cast('default_probability', 'double')],
            ['is_closed', try_cast('is_closed', 'boolean')],
            ['is_won', try_cast('is_won', 'boolean')],
            ['is_active', try_cast('is_active', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
