-- The scorecard's monthly volumes and results, counted again from the facts by another road.
with

fct_lead_cycle as (
    select * from {{ ref('fct_lead_cycle') }}
),

fct_handover as (
    select * from {{ ref('fct_handover') }}
),

mart_role_scorecard as (
    select * from {{ ref('mart_role_scorecard') }}
    where period_type = 'month'
),

qualification_sources as (
    select distinct source_crm
    from fct_lead_cycle
    where excluded_reason is null and qualified_at is not null
),

inbound as (
    select
        'inbound' as role,
        fct_lead_cycle.entered_month as period_start,
        count(*) as volume,
        count(
            case
                when
                    qualification_sources.source_crm is not null
                    and fct_lead_cycle.entered_at + to_days({{ var('w_inbound_days') }}) <= {{ as_of() }}
                    then 1
            end
        ) as n,
        count(
            case
                when
                    fct_lead_cycle.entered_at + to_days({{ var('w_inbound_days') }}) <= {{ as_of() }}
                    and fct_lead_cycle.qualified_at
                    <= fct_lead_cycle.entered_at + to_days({{ var('w_inbound_days') }})
                    then 1
            end
        ) as k
    from fct_lead_cycle
    left join qualification_sources on fct_lead_cycle.source_crm = qualification_sources.source_crm
    where
        fct_lead_cycle.motion_first = 'inbound'
        and fct_lead_cycle.excluded_reason is null
        and not (fct_lead_cycle.is_bulk_import and fct_lead_cycle.entered_precision = 'instant')
        and fct_lead_cycle.entered_at <= {{ as_of() }}
    group by fct_lead_cycle.entered_month
),

closer as (
    select
        'closer' as role,
        fct_handover.qualified_month as period_start,
        count(*) as volume,
        count(
            case
                when
                    fct_handover.qualified_at + to_days({{ var('w_close_days') }}) <= {{ as_of() }}
                    and fct_handover.customer_at <= fct_handover.qualified_at + to_days({{ var('w_close_days') }})
                    then 1
            end
        ) as k
    from fct_handover
    left join fct_lead_cycle on fct_handover.cycle_id = fct_lead_cycle.cycle_id
    where fct_handover.qualified_at <= {{ as_of() }} and fct_lead_cycle.excluded_reason is null
    group by fct_handover.qualified_month
),

recounted as (
    select * from inbound
    union all by name
    select * from closer
)

select
    recounted.*,
    mart_role_scorecard.volume as published_volume,
    mart_role_scorecard.result_k as published_k,
    mart_role_scorecard.result_n as published_n
from recounted
left join mart_role_scorecard
    on
        recounted.role = mart_role_scorecard.role
        and recounted.period_start = mart_role_scorecard.period_start
where
    recounted.volume is distinct from mart_role_scorecard.volume
    or recounted.k is distinct from mart_role_scorecard.result_k
    or (recounted.n is not null and recounted.n <> mart_role_scorecard.result_n)
