{#- An id with the CRM in front, so that ids of two CRMs never meet. Empty stays null. -#}
{% macro source_key(source_crm, column) -%}
    '{{ source_crm }}:' || nullif(trim({{ column }}), '')
{%- endmacro %}
