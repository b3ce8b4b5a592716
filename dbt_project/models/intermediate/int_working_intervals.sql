{{ config(materialized='table') }}

with

calendar_days as (
    select * from {{ ref('int_calendar_days') }}
)

{{ working_ranges('calendar_days') }}
