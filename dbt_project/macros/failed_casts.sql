{#- The names of the fields that hold text the cast made null; int_failed_casts counts them.
    `casts` is a list of [column, cast expression]. -#}
{% macro failed_casts(casts) -%}
    list_filter(
        [
            {%- for column, expression in casts %}
            case when nullif(trim({{ column }}), '') is not null and ({{ expression }}) is null then '{{ column }}' end
            {{- "," if not loop.last }}
            {%- endfor %}
        ],
        lambda field: field is not null
    )
{%- endmacro %}
