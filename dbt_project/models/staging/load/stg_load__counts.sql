with

source as (
    select * from {{ source('load', 'counts') }}
),

renamed as (
    select
        run_id,
        source as source_name,
        object,
        crm_total as crm_total_count,
        live_rows as live_count,
        changed_rows as changed_count,
        deleted_rows as deleted_count
    from source
)

select * from renamed
