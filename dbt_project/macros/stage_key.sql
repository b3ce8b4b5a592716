{#- One stage of one pipeline of one CRM: a stage's id alone is not unique. -#}
{% macro stage_key(source_crm, pipeline_id, stage_id) -%}
    md5({{ source_crm }} || '|' || coalesce({{ pipeline_id }}, '') || '|' || {{ stage_id }})
{%- endmacro %}
