{#- Probability that the true rate `prefix` of `row` is better than that of `earlier` (exact, Beta posteriors); NULL
    unless both periods are over and both rates may be read. -#}
{% macro p_better(prefix, row, earlier, lower_is_better=false) -%}
    {%- set now = row ~ '.' ~ prefix ~ '_' -%}
    {%- set before = earlier ~ '.' ~ prefix ~ '_' -%}
    cast(
        case
            when
                {{ row }}.is_complete and {{ earlier }}.is_complete
                and {{ now }}grade in ('ok', 'indicative') and {{ before }}grade in ('ok', 'indicative')
                then {{ '1.0 - ' if lower_is_better }}{{ beta_greater(now ~ 'k', now ~ 'n', before ~ 'k', before ~ 'n') }}
        end as double
    ) as {{ prefix }}_p_better
{%- endmacro %}
