-- What was there, plus what came, minus what went, is what is there: in money to the cent, and in deals.
select
    month,
    slice_type,
    slice_value,
    basis,
    currency_code
from {{ ref('mart_pipeline_movement') }}
where
    start_deals + created_deals + pulled_in_deals - pushed_out_deals - lost_deals - won_deals <> end_deals
    or start_amount + created_amount + pulled_in_amount + increased_amount
    - decreased_amount - pushed_out_amount - lost_amount - won_amount <> end_amount
