{{ config(materialized='table') }}

-- Full-time equivalents assigned to a role in a month: share times contract hours, for the days the assignment held.
with

dim_role_assignment as (
    select * from {{ ref('dim_role_assignment') }}
),

dim_rep as (
    select * from {{ ref('dim_rep') }}
),

int_months as (
    select * from {{ ref('int_months') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

held as (
    select
        int_months.month,
        dim_role_assignment.role,
        dim_role_assignment.rep_id,
        dim_role_assignment.origin = 'config' as is_configured,
        dim_role_assignment.share
        * coalesce(dim_rep.hours_week, int_metric_scope.fte_hours_week) / int_metric_scope.fte_hours_week
        * date_diff(
            'day',
            greatest(int_months.month, coalesce(dim_role_assignment.valid_from, int_months.month)),
            -- valid_to is the last day of the assignment.
            least(int_months.next_month, coalesce(dim_role_assignment.valid_to + 1, int_months.next_month))
        ) / date_diff('day', int_months.month, int_months.next_month) as fte
    from dim_role_assignment
    inner join int_months
        on
            coalesce(dim_role_assignment.valid_from, int_months.month) < int_months.next_month
            and coalesce(dim_role_assignment.valid_to, int_months.next_month) >= int_months.month
    left join dim_rep on dim_role_assignment.rep_id = dim_rep.rep_id
    cross join int_metric_scope
    where coalesce(dim_rep.is_active, true) or dim_role_assignment.valid_to is not null
),

capacity as (
    select
        month,
        role,
        rep_id,
        bool_or(is_configured) as is_configured,
        cast(sum(cast(fte as decimal(18, 10))) as double) as fte
    from held
    where fte > 0
    group by month, role, rep_id
)

select * from capacity
