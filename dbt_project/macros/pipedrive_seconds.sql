{#- A duration is written as hours and minutes, by some accounts with seconds: "00:30", "00:30:00". -#}
{% macro pipedrive_seconds(column) -%}
    case
        when regexp_full_match(trim({{ column }}), '[0-9]{1,3}:[0-9]{2}(:[0-9]{2})?')
            then
                3600 * cast(split_part(trim({{ column }}), ':', 1) as {{ double() }})
                + 60 * cast(split_part(trim({{ column }}), ':', 2) as {{ double() }})
                + coalesce(try_cast(split_part(trim({{ column }}), ':', 3) as {{ double() }}), 0)
    end
{%- endmacro %}
