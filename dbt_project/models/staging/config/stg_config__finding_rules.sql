with

source as (
    select * from {{ source('config', 'finding_rules') }}
),

renamed as (
    select
        rule_id,
        scope_value,
        scope_type,
        rule_name,
        comparator,
        unit,
        counted as counted_over,
        rows_are,
        figure_means,
        severity as severity_uncertain,
        severity_certain,
        source_sentence,
        sort_no,
        threshold
    from source
)

select * from renamed
