with

failures as (
    {%- for model, crm, object_name in [
        ('stg_hubspot__contacts', 'hubspot', 'contacts'),
        ('stg_hubspot__deals', 'hubspot', 'deals'),
        ('stg_hubspot__calls', 'hubspot', 'calls'),
        ('stg_hubspot__emails', 'hubspot', 'emails'),
        ('stg_hubspot__meetings', 'hubspot', 'meetings'),
        ('stg_hubspot__owners', 'hubspot', 'owners'),
        ('stg_hubspot__deal_stages', 'hubspot', 'deal_stages'),
        ('stg_csv__leads', 'csv', 'leads'),
        ('stg_csv__deals', 'csv', 'deals'),
        ('stg_csv__activities', 'csv', 'activities'),
        ('stg_csv__people', 'csv', 'people'),
    ] %}
        select
            '{{ crm }}' as source_crm,
            '{{ object_name }}' as object_name,
            unnest(failed_casts) as field
        from {{ ref(model) }}
        {%- if not loop.last %}
            union all by name
        {%- endif %}
    {%- endfor %}
)

select
    source_crm,
    object_name,
    field,
    count(*) as failed_count
from failures
group by source_crm, object_name, field
