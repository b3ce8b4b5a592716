{#- Schemas are a public interface: `marts` is `marts`, whatever the target's default schema is called. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
