{#- Calls, e-mails, meetings and leads are numbered apart, so the kind is part of the id: hubspot:call:17. -#}
{% macro hubspot_typed_id(kind, object_id) -%}
    'hubspot:' || {{ kind }} || substr({{ object_id }}, length('hubspot:'))
{%- endmacro %}
