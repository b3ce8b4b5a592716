{#- HubSpot writes a moment as ISO text or as epoch milliseconds ("1572480000000", sometimes with a
    decimal point), depending on the property and its age. Null when it is neither. -#}
{% macro hubspot_instant(column) -%}
    case
        when regexp_full_match(trim({{ column }}), '-?[0-9]{11,14}([.][0-9]+)?')
            then timezone('UTC', epoch_ms(try_cast(try_cast(trim({{ column }}) as double) as bigint)))
        else try_cast(nullif(trim({{ column }}), '') as timestamptz)
    end
{%- endmacro %}
