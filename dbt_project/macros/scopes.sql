{#- Roll-ups: the periods that a week belongs to, and the scopes that cells are summed up to. -#}

{#- Periods by their first day: blocks of four weeks counted from 1970-01-05, and the quarter of the week's Monday. -#}
{% macro four_weeks(week) %}cast({{ add_days("date '1970-01-05'", "28 * cast(floor(" ~ days_between("date '1970-01-05'", week) ~ " / 28.0) as integer)") }} as date){% endmacro %}
{% macro quarter(week) %}cast(date_trunc('quarter', {{ week }}) as date){% endmacro %}

{#- Rows of a weekly table once for each kind of period, those of touched periods only in a night. -#}
{% macro with_periods(relation, touched_kind='period') %}
select * from (
    {%- for kind, start in [('4_weeks', four_weeks('week')), ('quarter', quarter('week'))] %}
    select *, '{{ kind }}' as period_kind, {{ start }} as period_start, '{{ kind }}|' || cast({{ start }} as varchar) as period
    from {{ relation }}
    {{- " union all" if not loop.last }}
    {%- endfor %}
)
{%- if is_incremental() %} where period in ({{ touched(touched_kind) }}){% endif %}
{% endmacro %}

{#- One select a scope, with what the caller sums. -#}
{% macro by_scope(relation, sums) %}
    {%- for scope in ['carrier', 'carrier_service', 'carrier_lane'] %}
    select
        shop, period, period_kind, period_start, '{{ scope }}' as scope, carrier,
        {{ "service, service_level" if scope == 'carrier_service' else "'all' as service, 'all' as service_level" }},
        {{ "lane" if scope == 'carrier_lane' else "'all' as lane" }},
        {{ sums }}
    from {{ relation }}
    group by all
    {{- " union all" if not loop.last }}
    {%- endfor %}
{% endmacro %}
