{#- The column is a key: never null, never twice. Nightly bounded to what was touched (meta: touched), in full with --full. -#}
{% test unique_key(model, column_name) %}
select {{ column_name }}, count(*) as copies
from {{ model }}
group by {{ column_name }}
having count(*) > 1 or {{ column_name }} is null
{% endtest %}
