with

source as (
    select * from {{ source('raw_odoo', 'stages') }}
),

renamed as (
    select
        nullif(trim(id), '') as stage_id,
        nullif(trim(name), '') as stage_label,
        {{ try_cast('sequence', 'integer') }} as stage_order,
        {{ try_cast('is_won', 'boolean') }} as is_won,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['sequence', try_cast('sequence', 'integer')],
            ['is_won', try_cast('is_won', 'boolean')],
        ]) }} as failed_casts
    from source
)

select * from renamed
