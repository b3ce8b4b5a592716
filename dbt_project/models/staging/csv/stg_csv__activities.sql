with

source as (
    select * from {{ source('raw_csv', 'activities') }}
),

renamed as (
    select
        {{ source_key('csv', 'id') }} as activity_id,
        {{ source_key('csv', 'lead_id') }} as lead_id,
        {{ source_key('csv', 'deal_id') }} as deal_id,
        {{ source_key('csv', 'owner_id') }} as owner_id,
        lower(nullif(trim(kind), '')) as kind,
        lower(nullif(trim(direction), '')) as direction,
        lower(nullif(trim(actor), '')) as actor,
        lower(nullif(trim(result), '')) as result,
        {{ try_cast('duration_seconds', double()) }} as duration_seconds,
        {{ csv_precision('completed_at') }} as completed_precision,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ csv_instant('completed_at') }} as completed_at,
        {{ failed_casts([
            ['duration_seconds', try_cast('duration_seconds', 'double')],
            ['completed_at', csv_instant('completed_at')],
        ]) }} as failed_casts
    from source
)

select * from renamed
