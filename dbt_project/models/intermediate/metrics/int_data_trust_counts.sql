{{ config(materialized='table') }}

-- k of n for every data-trust check and CRM; mart_data_trust gives the verdict and the words.
with

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

fct_deal as (
    select * from {{ ref('fct_deal') }}
),

fct_touch as (
    select * from {{ ref('fct_touch') }}
),

stg_load__coverage as (
    select * from {{ ref('stg_load__coverage') }}
),

stg_load__runs as (
    select * from {{ ref('stg_load__runs') }}
),

stg_load__rejects as (
    select * from {{ ref('stg_load__rejects') }}
),

stg_load__counts as (
    select * from {{ ref('stg_load__counts') }}
),

int_failed_casts as (
    select * from {{ ref('int_failed_casts') }}
),

sources as (
    select source_crm from fct_lead_cycle
    union
    select source_crm from fct_deal
    union
    select source_crm from stg_load__coverage
),

cycle_checks as (
    select
        source_crm,
        unnest([
            'activities_logged', 'qualification_recorded', 'impossible_order', 'day_precision',
            'unlogged_conversions', 'missing_source', 'excluded_leads', 'bulk_imports', 'open_without_owner',
            'orphaned_leads', 'touched_before_entry'
        ]) as check_id,
        unnest([
            count(
                case
                    when
                        excluded_reason is null and first_attempt_at is not null
                        and age_working_days >= {{ var('never_answered_working_days') }}
                        then 1
                end
            ),
            count(case when excluded_reason is null and qualified_at is not null then 1 end),
            count(case when is_impossible_order then 1 end),
            count(case when entered_precision = 'day' then 1 end),
            count(
                case when excluded_reason is null and is_unlogged and outcome = 'qualified' then 1 end
            ),
            count(case when coalesce(source, 'unknown') = 'unknown' then 1 end),
            count(case when excluded_reason is not null then 1 end),
            count(case when is_bulk_import and entered_precision = 'instant' then 1 end),
            count(case when excluded_reason is null and outcome = 'open' and owner_current is null then 1 end),
            count(case when excluded_reason is null and is_orphaned then 1 end),
            count(
                case when excluded_reason is null and motion_first = 'inbound' and is_pre_touched then 1 end
            )
        ]) as k,
        unnest([
            count(
                case
                    when
                        excluded_reason is null
                        and age_working_days >= {{ var('never_answered_working_days') }}
                        then 1
                end
            ),
            count(case when excluded_reason is null then 1 end),
            count(*),
            count(*),
            count(case when excluded_reason is null and outcome = 'qualified' then 1 end),
            count(*),
            count(*),
            count(*),
            count(case when excluded_reason is null and outcome = 'open' then 1 end),
            count(case when excluded_reason is null and outcome = 'open' then 1 end),
            count(
                case
                    when excluded_reason is null and motion_first = 'inbound' and first_attempt_at is not null then 1
                end
            )
        ]) as n
    from fct_lead_cycle
    group by source_crm
),

deal_checks as (
    select
        source_crm,
        unnest(['losses_recorded', 'amounts_recorded', 'unlinked_deals', 'orphaned_deals']) as check_id,
        unnest([
            count(case when status = 'lost' then 1 end),
            count(case when status = 'won' and amount_reporting > 0 then 1 end),
            count(case when link_method = 'unlinked' or coalesce(link_confidence, 0) < 0.85 then 1 end),
            count(case when is_orphaned then 1 end)
        ]) as k,
        unnest([
            count(case when status in ('won', 'lost') then 1 end),
            count(case when status = 'won' then 1 end),
            count(*),
            count(case when status = 'open' then 1 end)
        ]) as n
    from fct_deal
    group by source_crm
),

-- Whose attempts of the last ninety days are in no role: a new colleague whom the configuration does not name.
touch_checks as (
    select
        source_crm,
        'unassigned_roles' as check_id,
        count(case when role_at_event = 'unassigned' then 1 end) as k,
        count(*) as n
    from fct_touch
    where
        is_human_attempt
        and rep_id is not null
        and at_utc <= {{ as_of() }}
        and at_utc > {{ as_of() }} - interval 90 day
    group by source_crm
),

-- Rejects and counts are judged on the newest run of each source: older ones were judged on their own night.
newest_runs as (
    select
        source_name,
        source_crm,
        max(run_id) as run_id
    from stg_load__runs
    group by source_name, source_crm
),

loaded as (
    select
        newest_runs.source_crm,
        sum(stg_load__counts.live_count) as live_count
    from newest_runs
    inner join stg_load__counts
        on
            newest_runs.source_name = stg_load__counts.source_name
            and newest_runs.run_id = stg_load__counts.run_id
    group by newest_runs.source_crm
),

rejected as (
    select
        newest_runs.source_crm,
        count(distinct stg_load__rejects.object || '/' || coalesce(stg_load__rejects.record_id, '?')) as reject_count
    from newest_runs
    inner join stg_load__rejects
        on
            newest_runs.source_name = stg_load__rejects.source_name
            and newest_runs.run_id = stg_load__rejects.run_id
    group by newest_runs.source_crm
),

failed as (
    select
        source_crm,
        sum(failed_count) as failed_count
    from int_failed_casts
    group by source_crm
),

load_checks as (
    select
        sources.source_crm,
        'rejected_rows' as check_id,
        coalesce(rejected.reject_count, 0) as k,
        coalesce(loaded.live_count, 0) + coalesce(rejected.reject_count, 0) as n
    from sources
    left join loaded on sources.source_crm = loaded.source_crm
    left join rejected on sources.source_crm = rejected.source_crm
    union all by name
    -- One broken row may have several broken fields, so these are fields, and the share is only a gauge.
    select
        sources.source_crm,
        'failed_casts' as check_id,
        coalesce(failed.failed_count, 0) as k,
        greatest(coalesce(loaded.live_count, 0), coalesce(failed.failed_count, 0)) as n
    from sources
    left join loaded on sources.source_crm = loaded.source_crm
    left join failed on sources.source_crm = failed.source_crm
),

checks as (
    select * from cycle_checks
    union all by name
    select * from deal_checks
    union all by name
    select * from touch_checks
    union all by name
    select * from load_checks
),

-- A source without a single lead or deal still has a row for each check, with nothing counted.
grid as (
    select
        source_crm,
        unnest([
            'activities_logged', 'qualification_recorded', 'losses_recorded', 'amounts_recorded', 'impossible_order',
            'day_precision', 'unlogged_conversions', 'unlinked_deals', 'missing_source', 'excluded_leads',
            'rejected_rows', 'bulk_imports', 'open_without_owner', 'failed_casts', 'orphaned_leads',
            'orphaned_deals', 'unassigned_roles', 'touched_before_entry'
        ]) as check_id
    from sources
),

filled as (
    select
        grid.check_id,
        grid.source_crm,
        cast(coalesce(checks.k, 0) as bigint) as k,
        cast(coalesce(checks.n, 0) as bigint) as n
    from grid
    left join checks
        on
            grid.check_id = checks.check_id
            and grid.source_crm = checks.source_crm
)

select * from filled
