with

sources as (
    select * from {{ ref('stg_config__metric_sources') }}
)

-- A rate is named by its estimate; the columns around it have the same prefix (the macro rate_columns makes them),
-- unless the catalogue names its count or its interval.
select
    metric_id,
    table_name,
    value_column,
    time_basis,
    metric_column,
    coalesce(k_column, prefix || 'k') as k_column,
    coalesce(n_column, prefix || 'n') as n_column,
    coalesce(ci_low_column, prefix || 'ci_low') as ci_low_column,
    coalesce(ci_high_column, prefix || 'ci_high') as ci_high_column,
    case when ci_method is null then prefix || 'ci_method' end as ci_method_column,
    ci_method,
    cast(coalesce(ci_level, '0.95') as double) as ci_level,
    prefix || 'maturity' as maturity_column,
    prefix || 'grade' as grade_column,
    status_column
from (
    select
        *,
        case
            when ends_with(value_column, 'estimate') and k_column is null and ci_low_column is null
                then regexp_replace(value_column, 'estimate$', '')
        end as prefix
    from sources
) as prefixed
