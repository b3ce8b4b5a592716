{#- A mart comes in with its keys; which of its columns are metrics is said in the catalogue's metric_sources. -#}
{%- set marts = [
    ('dim_stage', ['stage_key'], "'now'", 'null'),
    ('mart_closer_month', ['slice_type', 'slice_value'], "'month'", 'month'),
    ('mart_conversion_by_age', ['age_days'], "'month'", 'cohort_month'),
    ('mart_data_trust', ['check_id', 'source_crm'], "'now'", 'null'),
    ('mart_followup_days', ['band_days'], "'month'", 'month'),
    ('mart_forecast', ['scenario'], "'month'", 'month'),
    ('mart_funnel_cohort', ['motion', 'source', 'stage'], 'period_type', 'period_start'),
    ('mart_funnel_period', ['motion', 'stage'], "'month'", 'month'),
    ('mart_handling_time', [], "'month'", 'month'),
    ('mart_inbound_month', ['slice_type', 'slice_value'], "'month'", 'month'),
    ('mart_lifetime_value', ['basis'], "'now'", 'null'),
    ('mart_outbound_month', ['slice_type', 'slice_value'], "'month'", 'month'),
    ('mart_pipeline_movement', ['slice_type', 'slice_value', 'basis', 'currency_code'], "'month'", 'month'),
    ('mart_rep_month', ['rep_id', 'role'], 'period_type', 'period_start'),
    ('mart_response_curve', ['role', 't_wm'], 'period', 'period_start'),
    ('mart_rhythm', ['scope_type', 'scope_value'], "'week'", 'week_start'),
    ('mart_role_scorecard', ['role'], 'period_type', 'period_start'),
    ('mart_sla', ['band_unit', 'band'], 'period_type', 'period_start'),
    ('mart_speed_conversion', ['band'], 'period_type', 'period_start'),
    ('mart_staffing', ['rule_id'], "'month'", 'month'),
    ('mart_staffing_forecast', ['rule_id'], "'month'", 'month'),
    ('mart_stage_flow', ['stage_key'], "'month'", 'month'),
    ('mart_team_design', ['slice_type', 'slice_value'], "'month'", 'month'),
    ('mart_time_in_stage', ['stage_key'], 'period_type', 'period_start'),
] %}

with

int_metric_sources as (
    select * from {{ ref('int_metric_sources') }}
),

int_metrics as (
    select * from {{ ref('int_metrics') }}
),

rows_of_marts as (
    {% for mart, keys, period_type, period_start in marts -%}
        {{ long_rows(mart, keys, period_type, period_start) }}
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

-- A column that a mart does not have is NULL here; assert_metric_sources_exist says so before anybody misses it.
cells as (
    select
        int_metric_sources.metric_id,
        int_metric_sources.value_column as measure,
        int_metric_sources.table_name,
        int_metric_sources.time_basis,
        rows_of_marts.slice_type,
        rows_of_marts.slice_value,
        rows_of_marts.period_type,
        rows_of_marts.period_start,
        rows_of_marts.document ->> int_metric_sources.value_column as value_text,
        int_metric_sources.ci_method as told_ci_method,
        int_metric_sources.ci_level,
        {% for figure in ['k', 'n', 'ci_low', 'ci_high', 'ci_method', 'maturity', 'grade', 'status'] -%}
            rows_of_marts.document ->> int_metric_sources.{{ figure }}_column as {{ figure }},
        {% endfor -%}
        rows_of_marts.document ->> 'is_complete' as is_complete
    from rows_of_marts
    inner join int_metric_sources on rows_of_marts.table_name = int_metric_sources.table_name
    where
        int_metric_sources.metric_column is null
        or rows_of_marts.document ->> int_metric_sources.metric_column = int_metric_sources.metric_id
),

typed as (
    select
        metric_id,
        measure,
        table_name,
        slice_type,
        slice_value,
        period_type,
        period_start,
        time_basis,
        cast(is_complete as boolean) as is_complete,
        cast(k as bigint) as k,
        cast(n as bigint) as n,
        {{ try_cast('value_text', 'double') }} as estimate,
        {{ try_cast('value_text', 'date') }} as value_date,
        cast(ci_low as double) as ci_low,
        cast(ci_high as double) as ci_high,
        case when ci_low is not null or ci_high is not null then ci_level end as ci_level,
        case when ci_low is not null or ci_high is not null then coalesce(told_ci_method, ci_method) end as ci_method,
        cast(maturity as double) as maturity,
        grade,
        -- ok and indicative are grades of what was measured; a column without a word of its own is known or it is not.
        case
            when coalesce(status, grade) in ('ok', 'indicative') then 'measured'
            else coalesce(status, grade, case when value_text is not null then 'measured' else 'not_known' end)
        end as status
    from cells
),

published as (
    select
        typed.*,
        int_metrics.unit,
        int_metrics.version as metric_version,
        {{ publication_columns() }}
    from typed
    left join int_metrics on typed.metric_id = int_metrics.metric_id
)

select * from published
