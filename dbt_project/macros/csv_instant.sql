{#- The loader leaves two forms: an instant with its zone, and a bare date, which is a local day of the
    company. A bare date becomes the first instant of that day; csv_precision says that it did. -#}
{% macro csv_instant(column) -%}
    case
        when regexp_full_match(trim({{ column }}), '[0-9]{4}-[0-9]{2}-[0-9]{2}')
            then {{ local_midnight('try_cast(trim(' ~ column ~ ') as date)') }}
        else try_cast(nullif(trim({{ column }}), '') as timestamptz)
    end
{%- endmacro %}
