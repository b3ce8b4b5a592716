{#- Version 2 writes moments as ISO text with a Z, version 1 as "2026-01-31 09:00:00" in UTC without saying so. -#}
{% macro pipedrive_instant(column) -%}
    case
        when regexp_full_match(trim({{ column }}), '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+')
            then timezone('UTC', try_cast(trim({{ column }}) as timestamp))
        else try_cast(nullif(trim({{ column }}), '') as timestamptz)
    end
{%- endmacro %}
