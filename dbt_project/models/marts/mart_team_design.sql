with

int_rep_role_touches as (
    select * from {{ ref('int_rep_role_touches') }}
),

int_rep_switches as (
    select * from {{ ref('int_rep_switches') }}
),

int_rep_handovers as (
    select * from {{ ref('int_rep_handovers') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

int_months as (
    select * from {{ ref('int_months') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

dim_rep as (
    select * from {{ ref('dim_rep') }}
),

known_seniority as (
    select count(seniority) > 0 as is_seniority_known
    from dim_rep
),

recorded as (
    select
        coalesce(bool_or(has_touches), false) as has_touches,
        coalesce(bool_or(has_qualification), false) as has_qualification
    from int_source_capabilities
),

rep_months as (
    select
        rep_id,
        month
    from int_rep_role_touches
    union
    select
        rep_id,
        month
    from int_rep_handovers
),

-- Purity is the chance that two touches of one person serve one role: 1 in one role, 1/3 in three equal ones.
worked as (
    select
        rep_months.rep_id,
        rep_months.month,
        coalesce(dim_rep.seniority in ('senior', 'experienced'), false) as is_senior,
        coalesce(int_rep_role_touches.touch_count, 0) as touch_count,
        coalesce(int_rep_role_touches.inbound_count, 0) as inbound_count,
        coalesce(int_rep_role_touches.outbound_count, 0) as outbound_count,
        coalesce(int_rep_role_touches.closer_count, 0) as closer_count,
        coalesce(int_rep_role_touches.relationship_count, 0) as relationship_count,
        coalesce(int_rep_switches.switch_count, 0) as switch_count,
        coalesce(int_rep_switches.day_count, 0) as day_count,
        coalesce(int_rep_handovers.pair_count, 0) as pair_count,
        coalesce(int_rep_handovers.self_count, 0) as self_count
    from rep_months
    left join dim_rep on rep_months.rep_id = dim_rep.rep_id
    left join int_rep_role_touches
        on rep_months.rep_id = int_rep_role_touches.rep_id and rep_months.month = int_rep_role_touches.month
    left join int_rep_switches
        on rep_months.rep_id = int_rep_switches.rep_id and rep_months.month = int_rep_switches.month
    left join int_rep_handovers
        on rep_months.rep_id = int_rep_handovers.rep_id and rep_months.month = int_rep_handovers.month
),

squared as (
    select
        *,
        inbound_count + outbound_count + closer_count + relationship_count as role_touch_count,
        -- Decimals, as their sum does not depend on the order.
        cast(
            1.0 * (
                inbound_count * inbound_count
                + outbound_count * outbound_count
                + closer_count * closer_count
                + relationship_count * relationship_count
            ) / nullif(inbound_count + outbound_count + closer_count + relationship_count, 0) as decimal(28, 10)
        ) as purity_weight
    from worked
),

sliced as (
    select
        *,
        unnest(['all', 'rep']) as slice_type,
        unnest(['all', rep_id]) as slice_value
    from squared
),

-- Of the team: the mean over its touches of the purity of who made them, so that two pure halves are pure.
summed as (
    select
        slice_type,
        slice_value,
        month,
        sum(touch_count) as touch_count,
        sum(role_touch_count) as role_touch_count,
        sum(inbound_count) as inbound_count,
        sum(outbound_count) as outbound_count,
        sum(closer_count) as closer_count,
        sum(relationship_count) as relationship_count,
        sum(purity_weight) as purity_weight,
        sum(switch_count) as switch_count,
        sum(day_count) as day_count,
        sum(pair_count) as pair_count,
        sum(self_count) as self_count,
        coalesce(sum(case when is_senior then outbound_count end), 0) as senior_outbound_count,
        coalesce(sum(case when is_senior then touch_count end), 0) as senior_touch_count,
        count(distinct case when touch_count > 0 then rep_id end) as rep_count
    from sliced
    group by slice_type, slice_value, month
),

judged as (
    select
        summed.*,
        int_months.is_complete,
        recorded.has_touches,
        recorded.has_qualification,
        known_seniority.is_seniority_known
    from summed
    inner join int_months on summed.month = int_months.month
    cross join int_metric_scope
    cross join recorded
    cross join known_seniority
    where summed.slice_type <> 'rep' or int_metric_scope.has_people_metrics
)

select
    slice_type,
    slice_value,
    month,
    is_complete,
    cast(rep_count as integer) as rep_count,
    cast(touch_count as integer) as touches,
    {{ rate_columns('inbound', 'inbound_count', 'touch_count', '1.0', 'has_touches') }},
    {{ rate_columns('outbound', 'outbound_count', 'touch_count', '1.0', 'has_touches') }},
    {{ rate_columns('closer', 'closer_count', 'touch_count', '1.0', 'has_touches') }},
    {{ rate_columns('relationship', 'relationship_count', 'touch_count', '1.0', 'has_touches') }},
    cast(
        case
            when role_touch_count >= {{ var('min_n_rate') }}
                then cast(purity_weight as {{ double() }}) / role_touch_count
        end as {{ double() }}
    ) as purity,
    cast(switch_count as integer) as role_switches,
    cast(day_count as integer) as active_days,
    cast(
        case when day_count >= {{ var('min_n_rate') }} then 1.0 * switch_count / day_count end as {{ double() }}
    ) as role_switches_per_day,
    {{ rate_columns('self_handover', 'self_count', 'pair_count', '1.0', 'has_qualification') }},
    {{ rate_columns(
        'senior_outbound', 'senior_outbound_count', 'senior_touch_count', '1.0', 'has_touches and is_seniority_known'
    ) }},
    {{ publication_columns() }}
from judged
