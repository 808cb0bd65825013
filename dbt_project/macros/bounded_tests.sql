{#-
A test whose meta names a kind of touched key reads, on a night, only the rows of those keys: what did not change was
tested when it was built; of scans (`since`: their time) none that is older than all of those keys' scans. Overrides dbt's
own macro of this name, which knows `where` alone.
-#}
{% macro get_where_subquery(relation) %}
  {%- if not execute -%}{{ return(relation) }}{%- endif -%}
  {%- set bound = (config.get('meta') or {}).get('touched') -%}
  {%- set where = config.get('where') -%}
  {%- set conditions = [] -%}
  {%- if where -%}{%- do conditions.append(where) -%}{%- endif -%}
  {%- if bound and not is_full() -%}
    {%- do conditions.append(bound['column'] ~ ' in (' ~ touched(bound['kind']) ~ ')') -%}
    {%- if bound['since'] -%}{%- do conditions.append(bound['since'] ~ ' >= ' ~ touched_from_scan()) -%}{%- endif -%}
  {%- endif -%}
  {%- if conditions -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as bounded') }}
  {%- endif -%}
  {{ return(relation) }}
{% endmacro %}
