{{ config(materialized='table') }}

with

deals as (
    select * from {{ ref('int_crm__deals') }}
),

-- A closing after the cut has not happened yet.
cut as (
    select
        * replace (
            case when won_at <= {{ as_of() }} then won_at end as won_at,
            case when lost_at <= {{ as_of() }} then lost_at end as lost_at
        )
    from deals
    where
        not is_deleted
        and coalesce(created_at, won_at, lost_at, {{ as_of() }}) <= {{ as_of() }}
)

select
    *,
    case
        when won_at is not null then 'won'
        when lost_at is not null then 'lost'
        else 'open'
    end as status,
    coalesce(created_at, least(won_at, lost_at), won_at, lost_at) as first_seen_at,
    coalesce(won_at, lost_at) as closed_at
from cut
