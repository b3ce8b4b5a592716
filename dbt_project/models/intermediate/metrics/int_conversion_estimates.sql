{{ config(materialized='table') }}

{%- set groups = ['metric', 'window_days', 'slice_type', 'slice_value', 'month'] %}

with

int_conversion_samples as (
    select * from {{ ref('int_conversion_samples') }}
),

sliced as (
    select
        *,
        unnest(['all', 'source', 'rep']) as slice_type,
        unnest(['all', source, rep_id]) as slice_value
    from int_conversion_samples
),

estimates as (
    select *
    from {{ aalen_johansen_at('sliced', groups, 'days', 'is_event', 'is_competing', 'window_days') }} as aj
)

select * from estimates
