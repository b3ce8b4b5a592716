{#- The three columns every mart ends with: which publication, cut at what moment, complete until when. -#}
{% macro publication_columns() -%}
    '{{ var("publish_id") }}' as publish_id,
    {{ as_of() }} as as_of_utc,
    {{ data_through() }} as data_through_utc
{%- endmacro %}
