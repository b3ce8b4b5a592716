with

source as (
    select * from {{ source('raw_pipedrive', 'activities') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as activity_id,
        {{ source_key('pipedrive', 'owner_id') }} as owner_id,
        {{ source_key('pipedrive', 'deal_id') }} as deal_id,
        {{ source_key('pipedrive', 'lead_id') }} as lead_id,
        {{ source_key('pipedrive', 'person_id') }} as person_id,
        list_transform(
            coalesce(json_extract_string(try_cast(participants as json), '$[*].person_id'), []),
            lambda participant_id: 'pipedrive:' || participant_id
        ) as participant_ids,
        lower(nullif(trim(type), '')) as activity_type,
        {{ pipedrive_seconds('duration') }} as duration_seconds,
        {{ try_cast('done', 'boolean') }} as is_done,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ try_cast('due_date', 'date') }} as due_date,
        case when trim(due_time) <> '' then {{ pipedrive_instant("due_date || ' ' || due_time") }} end as due_at,
        {{ pipedrive_instant('marked_as_done_time') }} as done_at,
        {{ pipedrive_instant('add_time') }} as created_at,
        {{ failed_casts([
            ['duration', pipedrive_seconds('duration')],
            ['done', try_cast('done', 'boolean')],
            ['due_date', try_cast('due_date', 'date')],
            ['due_time', "try_cast(trim(due_time) as time)"],
            ['marked_as_done_time', pipedrive_instant('marked_as_done_time')],
            ['add_time', pipedrive_instant('add_time')],
        ]) }} as failed_casts
    from source
)

select * from renamed
