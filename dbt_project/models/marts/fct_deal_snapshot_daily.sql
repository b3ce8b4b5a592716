-- Rebuilt from history every night, never added to, so that a run of yesterday gives yesterday's rows. A day shows what
-- was known at its end, the day of the cut what is known at the cut.
with

states as (
    select * from {{ ref('int_deal_states') }}
),

int_exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

open_states as (
    select
        *,
        greatest(
            {{ local_date('state_from') }},
            cast(
                date_trunc('month', {{ local_date(as_of()) }})
                - to_months(cast({{ var('snapshot_months') }} as integer)) as date
            )
        ) as first_day,
        -- A state that ended on a day is not how that day ended.
        least(
            coalesce({{ local_date('state_to') }} - 1, {{ local_date(as_of()) }}), {{ local_date(as_of()) }}
        ) as last_day
    from states
    where status = 'open'
),

days as (
    select
        *,
        cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as snapshot_date
    from open_states
    where last_day >= first_day
),

priced as (
    select
        days.*,
        int_exchange_rates.rate as fx_rate
    from days
    asof left join int_exchange_rates
        on
            days.currency_code = int_exchange_rates.currency_code
            and days.snapshot_date >= int_exchange_rates.rate_date
)

select
    deal_id,
    snapshot_date,
    source_crm,
    {{ stage_key('source_crm', 'pipeline_id', 'stage_id') }} as stage_key,
    stage_id,
    nullif(rep_id, 'unassigned') as owner_rep_id,
    currency_code,
    cast(amount as decimal(18, 2)) as amount_original,
    cast(amount * fx_rate as decimal(18, 2)) as amount_reporting,
    cast(snapshot_date - {{ local_date('stage_entered_at') }} as integer) as days_in_stage,
    {{ local_date('expected_close_at') }} as expected_close_date,
    {{ publication_columns() }}
from priced
