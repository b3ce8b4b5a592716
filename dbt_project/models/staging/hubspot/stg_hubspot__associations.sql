with

{% set links = [
    'calls_contacts', 'calls_deals', 'emails_contacts', 'emails_deals',
    'meetings_contacts', 'meetings_deals', 'deals_contacts',
] %}

unioned as (
    {% for link in links %}
        select
            from_id,
            to_id,
            '{{ link }}' as association_type
        from {{ source('raw_hubspot', link) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

renamed as (
    select
        {{ source_key('hubspot', 'from_id') }} as from_id,
        {{ source_key('hubspot', 'to_id') }} as to_id,
        association_type
    from unioned
)

select * from renamed
