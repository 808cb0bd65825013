{#-
What this refresh knows: the schema `control`, which pipelines/warehouse/control.py fills before every build. It is read
when a model runs, never through vars or the environment: those would make dbt parse the whole project again each night.

as_of()               SQL literal, the clock of this refresh (UTC)
previous_as_of()      SQL literal, the clock of the last completed build, or a null timestamp
passed(moment)        SQL condition: the moment has come since that build
run_value('shop')     SQL literal of a column of control.run
setting('a.b')        SQL literal of a setting: number, boolean or text
run('is_full')        the same as run_value, for Jinja: text, number, boolean or none
is_full()             Jinja boolean: everything is rebuilt from all batches
carry_touched()       Jinja boolean: the previous build did not complete, so its touched keys must be kept
-#}

{#- One query an invocation: `graph` is the only object that dbt keeps from one model to the next. -#}
{% macro control() %}
  {%- if not execute -%}{{ return({'run': {}, 'literals': {}, 'settings': {}}) }}{%- endif -%}
  {%- if 'wherehouse_control' not in graph -%}
    {%- set row = run_query(
        "select cast(to_json(run) as varchar) as run, literals, "
        ~ "(select cast(json_group_object(key, literal) as varchar) from " ~ target.database ~ ".control.settings) as settings "
        ~ "from " ~ target.database ~ ".control.run as run"
    ).rows[0] -%}
    {%- do graph.update({'wherehouse_control': {
        'run': fromjson(row[0]), 'literals': fromjson(row[1]), 'settings': fromjson(row[2])
    }}) -%}
  {%- endif -%}
  {{ return(graph['wherehouse_control']) }}
{% endmacro %}

{% macro run(column) %}
  {%- set known = control()['run'] -%}
  {%- if execute and column not in known -%}
    {{ exceptions.raise_compiler_error("control.run has no column '" ~ column ~ "'") }}
  {%- endif -%}
  {{ return(known.get(column)) }}
{% endmacro %}

{% macro run_value(column) %}
  {%- set known = control()['literals'] -%}
  {%- if execute and column not in known -%}
    {{ exceptions.raise_compiler_error("control.run has no column '" ~ column ~ "'") }}
  {%- endif -%}
  {{ return(known.get(column, 'null')) }}
{% endmacro %}

{% macro as_of() %}{{ return(run_value('as_of')) }}{% endmacro %}
{% macro previous_as_of() %}{{ return(run_value('previous_as_of')) }}{% endmacro %}
{% macro passed(moment) %}({{ moment }} > {{ previous_as_of() }} and {{ moment }} <= {{ as_of() }}){% endmacro %}
{% macro is_full() %}{{ return(run('is_full') == true) }}{% endmacro %}
{% macro carry_touched() %}{{ return(run('carry_touched') == true) }}{% endmacro %}

{% macro setting(key) %}
  {%- set known = control()['settings'] -%}
  {%- if execute and key not in known -%}
    {{ exceptions.raise_compiler_error("there is no setting '" ~ key ~ "' in control.settings") }}
  {%- endif -%}
  {{ return(known.get(key, 'null')) }}
{% endmacro %}
