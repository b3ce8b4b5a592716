{#- FTE that a monthly volume needs. R1: hours a week for each lead a month, over the hours of a full-time week. R6: the
    volume over its threshold. The hours are divided by first, so that 80 leads are 0.2 FTE and not nearly so. -#}
{% macro required_fte(role, volume, threshold, hours_week_per_lead, fte_hours_week) -%}
    case
        when {{ role }} = 'inbound' then {{ volume }} / ({{ fte_hours_week }} / {{ hours_week_per_lead }})
        else {{ volume }} / {{ threshold }}
    end
{%- endmacro %}
