{#- Whether a follow-up time may be read: not_measurable when nothing of the slice can be timed or more than 30 % of
    its conversions were never logged, insufficient when n < min_n_rate. -#}
{% macro speed_status(n, is_recorded, unlogged_k='0', unlogged_n='0') -%}
    case
        when
            not ({{ is_recorded }})
            or (({{ unlogged_n }}) >= {{ var('min_n_rate') }} and ({{ unlogged_k }}) > 0.30 * ({{ unlogged_n }}))
            then 'not_measurable'
        when coalesce({{ n }}, 0) < {{ var('min_n_rate') }} then 'insufficient'
        else 'measured'
    end
{%- endmacro %}
