{{ config(materialized='table') }}

-- Apart from the company's, so that the joins on the company's hours need not look at whose calendar a row is.
with

person_days as (
    select * from {{ ref('int_schedule_days') }}
    where calendar <> 'company'
)

{{ working_ranges('person_days') }}
