{#- Text of a subquery a reader can run: our attempts on prospects and their written replies in order, as
    int_reply_follow_ups takes them; `answered_at` is our next attempt or the qualification. An SQL expression of type
    text that needs the column as_of_sql. -#}
{% macro reply_exchanges_sql() -%}
    'select touch_id, cycle_id, fct_touch.source_crm, at_utc, at_local_date, is_human_attempt as is_ours,'
    || ' lag(is_human_attempt) over (partition by cycle_id order by at_utc, touch_id) as is_previous_ours,'
    || ' least(min(case when is_human_attempt then at_utc end) over (partition by cycle_id order by at_utc, touch_id'
    || ' rows between 1 following and unbounded following),'
    || ' case when qualified_at >= at_utc then qualified_at end) as answered_at'
    || ' from marts.fct_touch inner join marts.fct_lead_cycle using (cycle_id)'
    || ' where motion_first = ''outbound'' and excluded_reason is null and coalesce(cycle_no, 1) <= 1'
    || ' and (first_attempt_at is not null or entry_kind = ''outbound_touch'')'
    || ' and at_utc <= ' || as_of_sql || ' and precision = ''instant'' and role_at_event <> ''relationship'''
    || ' and coalesce(at_utc <= qualified_at, true) and deal_id is null and (is_human_attempt or (direction = ''in'''
    || ' and actor <> ''automated'' and result = ''contact'' and kind in (''email'', ''message'', ''linkedin'')))'
{%- endmacro %}
