{#- A rate as double; null where nothing is due. -#}
{% macro rate(hits, total) %}(cast({{ hits }} as double) / nullif({{ total }}, 0)){% endmacro %}

{#-
Wilson score interval at 95 % (z = 1.959963984540054), Wilson 1927: no continuity correction.
At 0 or all hits the bound is exactly 0 or 1.
-#}
{% macro wilson(hits, total, side) %}
{%- set z = '1.959963984540054' -%}
(case
    when {{ total }} = 0 then null
    when '{{ side }}' = 'low' and {{ hits }} = 0 then cast(0.0 as double)
    when '{{ side }}' = 'high' and {{ hits }} = {{ total }} then cast(1.0 as double)
    else (
        cast({{ hits }} as double) + {{ z }} * {{ z }} / 2.0
        {{ '-' if side == 'low' else '+' }} {{ z }} * sqrt(
            cast({{ hits }} as double) * ({{ total }} - {{ hits }}) / {{ total }} + {{ z }} * {{ z }} / 4.0
        )
    ) / ({{ total }} + {{ z }} * {{ z }})
end)
{%- endmacro %}
