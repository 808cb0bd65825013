{#-
The batches of one entity that this refresh has to take in, as one relation: those not yet consumed by a completed build,
or all of them in a full build (control.batches.is_new). A list, never a glob: exactly once, and a held batch is not in it.
The first file has no rows and every column, so that an entity nobody delivers, and an old batch that lacks a newer
column, read as nulls.
-#}
{% macro landing(connector, entity) %}
  {%- if not execute -%}{{ return('landing') }}{%- endif -%}
  {%- set files = run_query(
      "select string_agg('''' || replace(path, '''', '''''') || '''', ', ' order by seq) as files "
      ~ "from " ~ target.database ~ ".control.batches "
      ~ "where is_new and connector = '" ~ connector ~ "' and entity = '" ~ entity ~ "'"
  ).rows[0][0] -%}
  {%- set empty = "'" ~ (run('landing_dir') ~ '/_empty/' ~ connector ~ '/' ~ entity ~ '.parquet').replace("'", "''") ~ "'" -%}
  {#- load_date=... in the path is for people and other engines: it must not become a column -#}
  {{ return('read_parquet([' ~ empty ~ (', ' ~ files if files else '') ~ '], union_by_name = true, hive_partitioning = false)') }}
{% endmacro %}

{#-
What several staging models have to say of one entity, as one relation: that of files, which has all columns, and those of
the vendors that have something new tonight. A vendor that is not used costs nothing, not even a view.
-#}
{% macro arrived(models) %}
  {%- for name in models -%}
    {%- set relation = ref(name) if not execute or loop.first or has_news(name.split('__')[0].removeprefix('stg_')) -%}
    {%- if relation %}
{{ '' if loop.first else union_by_name() }}
select * from {{ relation }}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}

{#- Whether this refresh takes in any batch of a connector. One query an invocation. -#}
{% macro has_news(connector) %}
  {%- if 'wherehouse_news' not in graph -%}
    {%- do graph.update({'wherehouse_news': run_query(
        "select distinct connector from " ~ target.database ~ ".control.batches where is_new"
    ).columns[0].values()}) -%}
  {%- endif -%}
  {{ return(connector in graph['wherehouse_news']) }}
{% endmacro %}
