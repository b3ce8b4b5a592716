{#- Days from one instant to another as a fraction, to the microsecond; never negative. -#}
{% macro days_between(from_instant, to_instant) -%}
    greatest(0.0, (epoch_us({{ to_instant }}) - epoch_us({{ from_instant }})) / 86400000000.0)
{%- endmacro %}
