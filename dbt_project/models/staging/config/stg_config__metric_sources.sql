with

source as (
    select * from {{ source('config', 'metric_sources') }}
),

renamed as (
    select
        metric_id,
        table_name,
        value_column,
        time_basis,
        k_column,
        n_column,
        ci_low_column,
        ci_high_column,
        ci_method,
        ci_level,
        status_column,
        metric_column
    from source
)

select * from renamed
