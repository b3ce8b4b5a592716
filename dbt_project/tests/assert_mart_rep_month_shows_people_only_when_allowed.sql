-- No row while figures on people are off; a shrunken rate lies between the rep's own and the role's; nobody is certain.
with

mart_rep_month as (
    select * from {{ ref('mart_rep_month') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
)

select mart_rep_month.*
from mart_rep_month
cross join int_metric_scope
where
    not int_metric_scope.has_people_metrics
    or (
        mart_rep_month.shrunken_estimate is not null
        and not (
            mart_rep_month.shrunken_estimate
            between least(mart_rep_month.estimate, (mart_rep_month.team_k + 0.5) / (mart_rep_month.team_n + 1)) - 1e-9
            and greatest(mart_rep_month.estimate, (mart_rep_month.team_k + 0.5) / (mart_rep_month.team_n + 1)) + 1e-9
        )
    )
    or (mart_rep_month.shrunken_estimate is null) <> (mart_rep_month.estimate is null)
    or not coalesce(
        mart_rep_month.shrunken_estimate between mart_rep_month.shrunken_ci_low and mart_rep_month.shrunken_ci_high,
        true
    )
    or not coalesce(mart_rep_month.p_above_team between 0 and 1, true)
