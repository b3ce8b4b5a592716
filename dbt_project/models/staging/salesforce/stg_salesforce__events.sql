with

source as (
    select * from {{ source('raw_salesforce', 'events') }}
),

renamed as (
    select
        {{ source_key('salesforce', 'id') }} as event_id,
        {{ source_key('salesforce', 'owner_id') }} as owner_id,
        {{ source_key('salesforce', 'created_by_id') }} as created_by_id,
        {{ source_key('salesforce', 'who_id') }} as who_id,
        {{ source_key('salesforce', 'what_id') }} as what_id,
        lower(nullif(trim(outcome), '')) as outcome,
        {{ try_cast('is_all_day_event', 'boolean') }} as is_all_day,
        {{ try_cast('is_child', 'boolean') }} as is_child,
        {{ try_cast('is_recurrence', 'boolean') }} as is_recurrence,
        _deleted_at is not null as is_deleted,
        {{ try_cast('activity_date', 'date') }} as activity_date,
        {{ try_cast('created_date', 'timestamptz') }} as created_at,
        {{ try_cast('start_date_time', 'timestamptz') }} as started_at,
        {{ try_cast('end_date_time', 'timestamptz') }} as ended_at,
        updated_at,
        _deleted_at as deleted_at,
        {{ failed_casts([
            ['is_all_day_event', try_cast('is_all_day_event', 'boolean')],
            ['is_child', try_cast('is_child', 'boolean')],
            ['is_recurrence', try_cast('is_recurrence', 'boolean')],
            ['activity_date', try_cast('activity_date', 'date')],
            ['created_date', try_cast('created_date', 'timestamptz')],
            ['start_date_time', try_cast('start_date_time', 'timestamptz')],
            ['end_date_time', try_cast('end_date_time', 'timestamptz')],
        ]) }} as failed_casts
    from source
)

select * from renamed
