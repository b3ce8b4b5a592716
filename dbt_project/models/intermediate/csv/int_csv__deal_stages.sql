-- An export names a deal's stage and no list of stages.
select
    'csv' as source_crm,
    cast(null as text) as pipeline_id,
    cast(null as text) as stage_id,
    cast(null as text) as stage_label,
    cast(null as integer) as stage_order,
    cast(null as {{ double() }}) as win_probability,
    cast(null as boolean) as is_closed,
    cast(null as boolean) as is_won,
    cast(null as boolean) as is_accepted,
    cast(null as boolean) as is_deleted
where false
