{#- Text of the end of a query: of the touches in `relation`, those of people over the limit, if anybody is (see
    finding_people); `is_part` says which touches of theirs count. Needs the columns figure and threshold. -#}
{% macro finding_people_sql(relation, is_part) -%}
    case when figure > 0
        then ' and rep_id in (select rep_id from {{ relation }} group by rep_id'
            || ' having count(*) >= {{ var('min_n_rate') }}'
            || ' and count(*) filter (where {{ is_part }}) > ' || threshold || '::double * count(*))'
        else '' end
    || ' order by rep_id, at_utc, touch_id'
{%- endmacro %}
