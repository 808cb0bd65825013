{#- AfterShip's slug as a carrier's name that carrier_aliases knows: its `dhl` is DHL Express. -#}
{% macro aftership_carrier(slug) %}case {{ slug }} when 'dhl' then 'DHL Express' else replace({{ slug }}, '-', ' ') end{% endmacro %}
