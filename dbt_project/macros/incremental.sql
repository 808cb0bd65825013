{#-
How tables take a night in. Two strategies, both delete + insert in one transaction:

upsert   rows of new batches replace those of the same key. A row without `source` is a tombstone: it only deletes.
touched  rows whose key stands in int_touched are recomputed: what is there goes, what the model yields comes.

On an engine without row deletes the same macros become insert_overwrite by partition.
-#}
{% macro get_incremental_upsert_sql(arg_dict) %}
  {%- set key = arg_dict['unique_key'] -%}
  delete from {{ arg_dict['target_relation'] }} where {{ key }} in (select {{ key }} from {{ arg_dict['temp_relation'] }});
  insert into {{ arg_dict['target_relation'] }} by name select * from {{ arg_dict['temp_relation'] }} where source is not null
{% endmacro %}

{% macro get_incremental_touched_sql(arg_dict) %}
  {%- set key = arg_dict['unique_key'] -%}
  delete from {{ arg_dict['target_relation'] }} where {{ key }} in ({{ touched(config.require('touched_kind')) }});
  insert into {{ arg_dict['target_relation'] }} by name select * from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#-
Keys of one kind to be recomputed tonight, as a subquery. Of parcels and orders that only settle, neither weeks nor tickets
are. Relations are named here without ref(): a mart that reads what it is about to change would otherwise be a loop. A model
that calls this says so in `-- depends_on` lines.
-#}
{% macro touched(kind) -%}
  {%- set ids = "select id from " ~ int_relation('int_touched') ~ " where kind = " -%}
  {%- set orders = ids ~ "'order' and not is_settling" -%}
  {%- set shipments = ids ~ "'shipment' and not is_settling" -%}
  {%- if kind in ['week', 'open_week', 'promise_week'] -%}
    select week from {{ int_relation('int_touched_weeks') }} where kind = '{{ kind }}'
  {%- elif kind == 'week_and_next' -%}
    {{ touched('week') }} union select cast(week + interval '7' day as date) from ({{ touched('week') }})
  {%- elif kind in ['period', 'open_period'] -%}
    {%- set weeks = touched(kind.replace('period', 'week')) %}
    select '4_weeks|' || cast({{ four_weeks('week') }} as varchar) as period from ({{ weeks }})
    union select 'quarter|' || cast({{ quarter('week') }} as varchar) from ({{ weeks }})
  {%- elif kind == 'return_line' -%}
    select return_line_id as id from {{ int_relation('int_arrived_return_lines') }}
    union select return_line_id from {{ int_relation('int_return_lines') }}
      where order_id in ({{ orders }}) or return_id in (select return_id from {{ int_relation('int_arrived_returns') }})
    union select return_line_id from {{ mart_relation('fct_return_lines') }} where order_id in ({{ orders }})
    union select matched.return_line_id
      from {{ int_relation('int_return_matches') }} as matched
      left join {{ mart_relation('fct_return_lines') }} as before on matched.return_line_id = before.return_line_id
      where before.order_basis is null
        or (before.order_basis <> 'stated' and coalesce(matched.order_line_id, '') <> coalesce(before.order_line_id, ''))
  {%- elif kind == 'ticket' -%}
    select ticket_id as id from {{ int_relation('int_arrived_tickets') }}
    union select ticket_id from {{ int_relation('int_tickets') }}
      where order_id in ({{ orders }}) or tracking_number in ({{ shipments }}) or order_number in (
          select order_number from {{ int_relation('int_orders') }} where order_id in ({{ orders }}))
    union select ticket_id from {{ int_relation('int_tickets') }}
      where order_id is null and (
          customer_token in (select customer_token from {{ int_relation('int_orders') }} where order_id in ({{ orders }}))
          or email_token in (select email_token from {{ int_relation('int_orders') }} where order_id in ({{ orders }})))
    union select ticket_id from {{ mart_relation('fct_tickets') }}
      where is_after_as_of or order_id in ({{ orders }}) or shipment_id in ({{ shipments }})
  {%- elif kind == 'day' -%}
    select distinct day from {{ mart_relation('wismo_daily') }} where day >= {{ touched_from_day() }}
  {%- elif kind == 'cohort' -%}
    select 'unmatched' as cohort
    union select id from {{ int_relation('int_touched') }} where kind = 'cohort'
    union select {{ month_label('ordered_date') }} from {{ mart_relation('fct_orders') }}
      where order_id in ({{ orders }}) or order_id in (select order_id from {{ int_relation('int_arrived_order_lines') }})
    union select cohort from {{ mart_relation('fct_return_lines') }} where return_line_id in ({{ touched('return_line') }})
    union select cohort from {{ mart_relation('return_cohorts') }} where not is_mature
    union select coalesce(held.cohort, now.cohort)
      from (select cohort, sku, sum(returned_lines) as lines, sum(returned_units) as units
            from {{ mart_relation('return_cohorts') }} where returned_lines > 0 group by cohort, sku) as held
      full join (select cohort, sku, sum(returned_lines) as lines, sum(returned_units) as units
            from {{ mart_relation('return_reasons') }} group by cohort, sku) as now
        on held.cohort = now.cohort and held.sku = now.sku
      where coalesce(held.lines, 0) <> coalesce(now.lines, 0) or coalesce(held.units, 0) <> coalesce(now.units, 0)
  {%- else -%}
    {{ ids }}'{{ kind }}'
  {%- endif -%}
{%- endmacro %}

{#-
shipment_ids under which rows stand whose tracking number is used more than once, or was, and that tonight's parcels may
have numbered anew. A subquery.
-#}
{% macro renumbered_ids() -%}
  {%- set numbered %}
    select tracking_number, shipment_id from {{ int_relation('int_parcels') }} where shipment_id <> tracking_number
    union select tracking_number, shipment_id from {{ mart_relation('fct_shipments') }} where shipment_id <> tracking_number
  {%- endset %}
  {%- set changed %}
    select tracking_number from {{ int_relation('int_arrived_shipments') }}
    union select tracking_number from {{ int_relation('int_parcels') }}
      where is_left and _seq in (select _seq from {{ int_relation('int_arrived_shipments') }})
  {%- endset %}
    select tracking_number as id from ({{ numbered }}) where tracking_number in ({{ changed }})
    union select shipment_id from ({{ numbered }}) where tracking_number in ({{ changed }})
{%- endmacro %}

{#- First calendar day (reporting zone) whose contacts or exposures may have changed tonight, as a date literal. -#}
{% macro touched_from_day() -%}
  {%- if not execute or not is_incremental() -%}{{ return("date '1970-01-01'") }}{%- endif -%}
  {%- set zone = run_value('time_zone') -%}
  {%- set shipments -%}(select id from {{ int_relation('int_touched') }} where kind = 'shipment' and not is_settling){%- endset -%}
  {%- set first -%}
    select cast(min(day) as varchar) from (
        select cast({{ to_local(previous_as_of(), zone) }} as date) as day
        union all select week_before from {{ int_relation('int_touched') }} where kind in ('shipment', 'ticket') and not is_settling
        union all select cast({{ to_local('created_at', zone) }} as date) from {{ int_relation('int_arrived_tickets') }}
        union all select cast({{ to_local('ordered_at', zone) }} as date) from {{ int_relation('int_arrived_orders') }}
        union all
        select cast({{ to_local('least(shipments.accepted_at, orders.ordered_at)', zone) }} as date)
        from {{ mart_relation('fct_shipments') }} as shipments
        left join {{ int_relation('int_orders') }} as orders on shipments.order_id = orders.order_id
        where shipments.shipment_id in {{ shipments }}
    )
  {%- endset -%}
  {{ return("date '" ~ run_query(first).rows[0][0] ~ "'") }}
{%- endmacro %}

{#-
When the first scan of any touched parcel occurred, as a literal: scans are stored roughly as they came, so that what is
older need not be read. A parcel's scans are those that int_lives knew, and what has come in tonight.
-#}
{% macro touched_from_scan() -%}
  {%- if not execute or is_full() -%}{{ return("timestamp '1970-01-01'") }}{%- endif -%}
  {%- set first -%}
    select cast(min(first_at) as varchar) from (
        select min(first_scan_at) as first_at from {{ int_relation('int_lives') }} where shipment_id in ({{ touched('shipment') }})
        union all select min(occurred_at) from {{ int_relation('int_arrived_scans') }}
    )
  {%- endset -%}
  {{ return("timestamp '" ~ (run_query(first).rows[0][0] or '1970-01-01') ~ "'") }}
{%- endmacro %}

{% macro int_relation(name) %}{{ return(api.Relation.create(database=target.database, schema=target.schema, identifier=name)) }}{% endmacro %}
{% macro mart_relation(name) %}{{ return(api.Relation.create(database='marts', schema='marts', identifier=name)) }}{% endmacro %}

{#-
Places (_seq, _row) of every arrival whose key repeats, with copy_no = 1 for the latest: the greatest (_seq, _row) wins.
Only keys that repeat are sorted: a window over everything costs a third more and three times the memory. `arrivals` has
to be a relation, not a CTE: read twice, a CTE would be held in memory whole.
-#}
{% macro repeated_arrivals(arrivals, key, more='') %}
    select
        _seq,
        _row,
        row_number() over (partition by {{ key }} order by _seq desc, _row desc) as copy_no{{ more }}
    from {{ arrivals }}
    where {{ key_hash(key) }} in (
        select {{ key_hash(key) }} from {{ arrivals }} group by {{ key_hash(key) }} having count(*) > 1
    )
{% endmacro %}

{#- Schemas are named as they are, not prefixed with the target's. -#}
{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}
