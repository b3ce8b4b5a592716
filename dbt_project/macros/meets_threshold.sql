{#- A volume against a threshold with the exact comparator of the rule: 400 meets `>= 400`, 50 does not meet `> 50`. -#}
{% macro meets_threshold(volume, comparator, threshold) -%}
    case {{ comparator }}
        when '>=' then {{ volume }} >= {{ threshold }}
        when '>' then {{ volume }} > {{ threshold }}
        when '<=' then {{ volume }} <= {{ threshold }}
        when '<' then {{ volume }} < {{ threshold }}
    end
{%- endmacro %}
