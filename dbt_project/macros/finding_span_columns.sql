{#- How the sentences and queries of a finding name their window; int_finding_spans must be in the from clause. -#}
{% macro finding_span_columns() -%}
    int_finding_spans.from_sql,
    int_finding_spans.until_sql,
    int_finding_spans.as_of_sql,
    int_finding_spans.period_nl,
    int_finding_spans.period_en
{%- endmacro %}
