{{ config(materialized='table') }}

with

stg_config__company as (
    select * from {{ ref('stg_config__company') }}
),

stg_load__coverage as (
    select * from {{ ref('stg_load__coverage') }}
),

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

-- A month is complete only when every source of leads is: one lagging export must not read as a quiet month.
lead_coverage as (
    select min(covers_until_at) as covers_until_at
    from stg_load__coverage
    where is_available and object in ('leads', 'contacts')
),

first_entry as (
    select min(entered_month) as first_month
    from fct_lead_cycle
    where entered_at <= {{ as_of() }}
),

cut as (
    select
        {{ as_of() }} as as_of_at,
        least({{ as_of() }}, coalesce(lead_coverage.covers_until_at, {{ as_of() }})) as complete_until_at,
        cast(date_trunc('month', timezone('{{ var("timezone") }}', {{ as_of() }})) as date) as current_month,
        first_entry.first_month
    from lead_coverage
    cross join first_entry
),

scoped as (
    select
        cut.as_of_at,
        cut.complete_until_at,
        cut.current_month,
        coalesce(cut.first_month, cut.current_month) as first_month,
        -- The month that holds the instant is not complete, so the newest complete one is the month before it.
        cast(
            date_trunc('month', timezone('{{ var("timezone") }}', cut.complete_until_at)) - interval 1 month as date
        ) as latest_complete_month,
        stg_config__company.employee_count,
        stg_config__company.lifetime_value,
        stg_config__company.fte_hours_week,
        coalesce(stg_config__company.is_startup, false) as is_startup,
        coalesce(stg_config__company.has_people_metrics, false) as has_people_metrics
    from cut
    cross join stg_config__company
)

select * from scoped
