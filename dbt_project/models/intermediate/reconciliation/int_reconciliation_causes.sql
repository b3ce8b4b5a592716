{{ config(materialized='table') }}

with

causes (metric_id, cause_no, cause, cause_nl, cause_en) as (
    {{ reconciliation_causes() }}
)

select
    metric_id,
    cast(cause_no as integer) as cause_no,
    cause,
    cause_nl,
    cause_en
from causes
