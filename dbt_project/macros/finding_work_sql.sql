{#- Text of a query a reader can run: the human attempts of a window with what they served, told as int_touch_work tells
    it. An SQL expression of type text that needs the columns from_sql and until_sql. -#}
{% macro finding_work_sql() -%}
    'with work as (select touch_id, rep_id, cycle_id, deal_id, kind, precision, at_utc, at_local_date, excluded_reason,'
    || ' case when role_at_event = ''relationship'' then ''relationship'''
    || ' when at_utc > qualified_at or deal_id is not null then ''closer'''
    || ' else coalesce(motion_first, role_at_event) end as serves'
    || ' from marts.fct_touch left join marts.fct_lead_cycle using (cycle_id) where is_human_attempt'
    || ' and at_local_date >= ' || from_sql
    || ' and at_local_date < ' || until_sql || ')'
{%- endmacro %}
