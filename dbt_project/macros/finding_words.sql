{#- The columns of a finding that are words, in the order in which every family gives them. Each argument is SQL; what a
    family has nothing special to say about stays NULL and mart_findings says it for all. `texts` and `actions` are
    (nl, en) of a measured finding and of its next step when found; `missing` and `missing_actions` say why there is no
    verdict, when that is not the usual reason; `severity` overrides the catalogue. -#}
{% macro finding_words(
    texts, actions, rows_query, missing=('null', 'null'), missing_actions=('null', 'null'), severity='null'
) -%}
    cast({{ texts[0] }} as text) as text_nl,
    cast({{ texts[1] }} as text) as text_en,
    cast({{ actions[0] }} as text) as found_action_nl,
    cast({{ actions[1] }} as text) as found_action_en,
    cast({{ missing[0] }} as text) as missing_nl,
    cast({{ missing[1] }} as text) as missing_en,
    cast({{ missing_actions[0] }} as text) as missing_action_nl,
    cast({{ missing_actions[1] }} as text) as missing_action_en,
    cast({{ severity }} as text) as severity_override,
    cast({{ rows_query }} as text) as rows_query
{%- endmacro %}
