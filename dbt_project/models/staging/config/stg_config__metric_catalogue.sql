with

source as (
    select * from {{ source('config', 'metric_catalogue') }}
),

renamed as (
    select
        metric_id,
        name_nl,
        name_en,
        definition_nl,
        definition_en,
        time_vector,
        value_vector,
        grain,
        unit,
        direction,
        role,
        standard_term,
        owner,
        version,
        since
    from source
)

select * from renamed
