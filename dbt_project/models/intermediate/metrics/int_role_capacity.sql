{{ config(materialized='table') }}

-- Full-time equivalents of a role in a month, from its first month to six months ahead: share times contract hours, on
-- the working days on which the assignment holds; of those available, leave and what a new person can't carry yet are
-- taken off. A month's working days weigh the same, so a week of leave costs what the week would have brought.
with

dim_role_assignment as (
    select * from {{ ref('dim_role_assignment') }}
),

dim_rep as (
    select * from {{ ref('dim_rep') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

int_rep_leave as (
    select * from {{ ref('int_rep_leave') }}
),

int_metric_scope as (
    select * from {{ ref('int_metric_scope') }}
),

working_days as (
    select
        dim_date.month_start as month,
        dim_date.date_day,
        count(*) over (partition by dim_date.month_start) as working_day_count
    from dim_date
    cross join int_metric_scope
    where
        dim_date.is_working_day
        and dim_date.month_start >= int_metric_scope.first_month
        and dim_date.month_start
        <= greatest(int_metric_scope.current_month, int_metric_scope.latest_complete_month + to_months(6))
),

held as (
    select
        working_days.month,
        dim_role_assignment.role,
        dim_role_assignment.rep_id,
        dim_role_assignment.origin = 'config' as is_configured,
        dim_role_assignment.share
        * coalesce(dim_rep.hours_week, int_metric_scope.fte_hours_week) / int_metric_scope.fte_hours_week
        / working_days.working_day_count as fte,
        coalesce(int_rep_leave.share, 0.0) as leave_share,
        -- The first month of work runs from the day of hiring; who was hired before anybody noted it has full load.
        case
            when dim_rep.hired_on is null then 1.0
            else coalesce(
                list_extract(
                    cast({{ var('ramp_curve') }} as double[]),
                    cast(date_sub('month', dim_rep.hired_on, working_days.date_day) as integer) + 1
                ),
                1.0
            )
        end as ramp_share
    from dim_role_assignment
    inner join working_days
        on
            coalesce(dim_role_assignment.valid_from, working_days.date_day) <= working_days.date_day
            and coalesce(dim_role_assignment.valid_to, working_days.date_day) >= working_days.date_day
    left join dim_rep on dim_role_assignment.rep_id = dim_rep.rep_id
    left join int_rep_leave
        on
            dim_role_assignment.rep_id = int_rep_leave.rep_id
            and working_days.date_day >= int_rep_leave.valid_from
            and working_days.date_day <= coalesce(int_rep_leave.valid_to, working_days.date_day)
    cross join int_metric_scope
    where
        (coalesce(dim_rep.is_active, true) or dim_role_assignment.valid_to is not null)
        and working_days.date_day >= coalesce(dim_rep.hired_on, working_days.date_day)
),

capacity as (
    select
        month,
        role,
        rep_id,
        bool_or(is_configured) as is_configured,
        cast(sum(cast(fte as decimal(18, 10))) as double) as assigned_fte,
        cast(sum(cast(fte * ramp_share * (1.0 - leave_share) as decimal(18, 10))) as double) as fte
    from held
    group by month, role, rep_id
)

select * from capacity
