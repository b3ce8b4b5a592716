-- Every metric of the catalogue is somewhere, in columns that exist; and a mart that holds one is in mart_metric_long.
-- depends_on: {{ ref('fct_customer_month') }} {{ ref('fct_handover') }} {{ ref('fct_lead_cycle') }}
with

int_metrics as (
    select * from {{ ref('int_metrics') }}
),

int_metric_sources as (
    select * from {{ ref('int_metric_sources') }}
),

long_tables as (
    select distinct table_name from {{ ref('mart_metric_long') }}
),

existing as (
    select
        table_name,
        column_name
    from information_schema.columns
    where table_schema = '{{ ref("mart_metric_long").schema }}'
),

filled as (
    select table_name
    from duckdb_tables()
    where schema_name = '{{ ref("mart_metric_long").schema }}' and estimated_size > 0
),

named as (
    select
        metric_id,
        table_name,
        unnest([
            value_column, k_column, n_column, ci_low_column, ci_high_column, ci_method_column, maturity_column,
            grade_column, status_column, metric_column
        ]) as column_name
    from int_metric_sources
),

problems as (
    select
        int_metrics.metric_id,
        'has no row in metric_sources' as problem
    from int_metrics
    left join int_metric_sources on int_metrics.metric_id = int_metric_sources.metric_id
    where int_metric_sources.metric_id is null
    union all by name
    select
        named.metric_id,
        'names ' || named.table_name || '.' || named.column_name || ', which does not exist' as problem
    from named
    left join existing
        on named.table_name = existing.table_name and named.column_name = existing.column_name
    where named.column_name is not null and existing.column_name is null
    union all by name
    select
        int_metric_sources.metric_id,
        int_metric_sources.table_name || ' is not among the marts of mart_metric_long' as problem
    from int_metric_sources
    inner join filled on int_metric_sources.table_name = filled.table_name
    left join long_tables on int_metric_sources.table_name = long_tables.table_name
    where not starts_with(int_metric_sources.table_name, 'fct_') and long_tables.table_name is null
)

select * from problems
