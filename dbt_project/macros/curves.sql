{#-
Share delivered by each hour and its standard deviation, as CTEs that end in `deviations`. `hours` has a row per unit_no and
transit_hour: delivered, ended (in any way) and seen (ended or last seen open) at that hour.
-#}
{% macro incidence_curves(hours) %}
at_risk as (
    select
        *,
        sum(seen) over (partition by unit_no order by transit_hour desc rows between unbounded preceding and current row) as n
    from {{ hours }}
),

-- Aalen-Johansen: what is delivered at an hour is its share of those still under way, times the chance to be so
under_way as (
    select
        *,
        coalesce(exp(sum(case when ended < n then ln(1.0 - cast(ended as double) / n) else -1e9 end) over (
            partition by unit_no order by transit_hour rows between unbounded preceding and 1 preceding
        )), 1.0) as share
    from at_risk
),

incidences as (
    select
        *,
        sum(share * delivered / n) over (partition by unit_no order by transit_hour rows between unbounded preceding and current row) as incidence
    from under_way
),

-- their standard deviation by the delta method (Marubini and Valsecchi, 1995, ch. 10), multiplied out into running sums
deviations as (
    select
        unit_no,
        transit_hour,
        incidence,
        sqrt(greatest(
            0.0, incidence * incidence * risk - 2 * incidence * (risk_times + delivery) + risk_squares + spread + 2 * delivery_times
        )) as deviation
    from (
        select
            unit_no,
            transit_hour,
            incidence,
            {%- set risk = 'coalesce(ended / nullif(cast(n as double) * (n - ended), 0), 0.0)' %}
            {%- set delivery = 'share * delivered / (cast(n as double) * n)' %}
            {%- for name, term in [
                ('risk', risk), ('risk_times', 'incidence * ' ~ risk), ('risk_squares', 'incidence * incidence * ' ~ risk),
                ('spread', 'share * share * delivered * (n - delivered) / (cast(n as double) * n * n)'),
                ('delivery', delivery), ('delivery_times', 'incidence * ' ~ delivery)
            ] %}
            sum({{ term }}) over by_hour as {{ name }}{{ "," if not loop.last }}
            {%- endfor %}
        from incidences
        window by_hour as (partition by unit_no order by transit_hour rows between unbounded preceding and current row)
    )
)
{% endmacro %}
