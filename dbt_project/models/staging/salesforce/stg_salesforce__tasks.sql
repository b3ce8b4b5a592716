with

source as (
    select * from {{ source('raw_salesforce', 'tasks') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as task_id,
        {{ source_key('salesforce', 'owner_id') }} as owner_id,
        {{ source_key('salesforce', 'created_by_id') }} as created_by_id,
        {{ source_key('salesforce', 'who_id') }} as who_id,
        {{ source_key('salesforce', 'what_id') }} as what_id,
        lower(nullif(trim(task_subtype), '')) as task_subtype,
        lower(nullif(trim(status), '')) as status,
        lower(nullif(trim(call_type), '')) as call_type,
        lower(nullif(trim(call_disposition), '')) as call_disposition,
        lower(nullif(trim(direction), '')) as direction,
        {{ try_cast('call_duration_in_seconds', double()) }} as duration_seconds,
        {{ try_cast('is_closed', 'boolean') }} as is_closed,
        {{ try_cast('is_recurrence', 'boolean') }} as is_recurrence,
        _deleted_at is not null as is_deleted,
        {{ try_cast('activity_date', 'date') }} as activity_date,
        {{ try_cast('created_date', 'timestamptz') }} as created_at,
        {{ try_cast('completed_date_time', 'timestamptz') }} as completed_at,
        {{ try_cast('happened_at', 'timestamptz') }} as happened_at,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['call_duration_in_seconds', try_cast('call_duration_in_seconds', 'double')],
            ['is_closed', try_cast('is_closed', 'boolean')],
            ['is_recurrence', try_cast('is_recurrence', 'boolean')],
            ['activity_date', try_cast('activity_date', 'date')],
            ['created_date', try_cast('created_date', 'timestamptz')],
            ['completed_date_time', try_cast('completed_date_time', 'timestamptz')],
            ['happened_at', try_cast('happened_at', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
