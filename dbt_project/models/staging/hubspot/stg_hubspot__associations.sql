with

{% set links = [
    'calls_contacts', 'calls_deals', 'emails_contacts', 'emails_deals',
    'meetings_contacts', 'meetings_deals', 'tasks_contacts', 'tasks_deals',
    'communications_contacts', 'communications_deals', 'deals_contacts', 'deals_companies',
    'companies_contacts', 'leads_contacts',
] %}

unioned as (
    {% for link in links %}
        select
            from_id,
            to_id,
            '{{ link }}' as association_type,
            type as link_type
        from {{ source('raw_hubspot', link) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

renamed as (
    select
        {{ source_key('hubspot', 'from_id') }} as from_id,
        {{ source_key('hubspot', 'to_id') }} as to_id,
        association_type,
        link_type
    from unioned
)

select * from renamed
