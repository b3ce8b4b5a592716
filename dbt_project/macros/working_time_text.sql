{#- Working minutes in words: minutes up to two hours, hours above. NULL (a median not reached) is named too. -#}
{% macro working_time_text(minutes, language) -%}
    {%- set longer = 'langer dan gemeten' if language == 'nl' else 'longer than measured' -%}
    {%- set minute_word = ' werkminuten' if language == 'nl' else ' working minutes' -%}
    {%- set hour_word = ' werkuren' if language == 'nl' else ' working hours' -%}
    case
        when {{ minutes }} is null then '{{ longer }}'
        when {{ minutes }} < 120 then {{ number_text(minutes, 0, language) }} || '{{ minute_word }}'
        else {{ number_text('(' ~ minutes ~ ') / 60.0', 1, language) }} || '{{ hour_word }}'
    end
{%- endmacro %}
