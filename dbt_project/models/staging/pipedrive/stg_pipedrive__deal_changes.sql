with

source as (
    select * from {{ source('raw_pipedrive', 'deal_changes') }}
),

renamed as (
    select
        {{ source_key('pipedrive', 'id') }} as change_id,
        {{ source_key('pipedrive', 'item_id') }} as deal_id,
        {{ source_key('pipedrive', 'user_id') }} as changed_by_id,
        lower(nullif(trim(field_key), '')) as field,
        nullif(trim(old_value), '') as old_value,
        nullif(trim(new_value), '') as new_value,
        {{ try_cast('id', 'bigint') }} as change_no,
        {{ pipedrive_instant('log_time') }} as changed_at,
        {{ failed_casts([
            ['id', try_cast('id', 'bigint')],
            ['log_time', pipedrive_instant('log_time')],
        ]) }} as failed_casts
    from source
)

select * from renamed
