{#- A deal closed because it was a double or a trial was never lost. The reason must say nothing else: "no
    budget after the test" is a loss. -#}
{% macro is_duplicate_reason(reason) -%}
    regexp_full_match(
        lower({{ reason }}),
        '\W*((a|deal|lead|merged|record|into|with|of|or|and)\W+)*(duplicates?|duplicaat|dubbel|merged?|samengevoegd|test)(\W+(duplicates?|merged?|test|deal|lead|record|a|into|with|of|or|and))*\W*'
    )
{%- endmacro %}
