-- One row per carrier, service and week of first physical scan: how far the carrier's own estimates lay from the delivery.
--
-- Errors are whole local days, delivered minus estimated: positive means later than estimated. Sums, so that any roll-up
-- is exact. Only delivered parcels have an error; coverage says how many had an estimate at all.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='week', incremental_strategy='touched', touched_kind='week', materialized='incremental') }}

with parcels as (
    select
        *,
        {{ days_between('first_estimate_date', 'delivered_local') }} as first_error,
        {{ days_between('last_estimate_date', 'delivered_local') }} as last_error
    from {{ ref('fct_shipments') }}
    where is_first_delivery and week is not null and accepted_at is not null
    {%- if is_incremental() %} and week in ({{ touched('week') }}){% endif %}
),

weeks as (
    select
        shop,
        coalesce(carrier, 'unknown') as carrier,
        coalesce(service, 'unknown') as service,
        service_level,
        week,
        cast(count(*) as integer) as entered,
        cast(count(first_estimate_date) as integer) as estimated,
        cast(count(*) filter (where first_estimate_date <> last_estimate_date) as integer) as revised,
        {%- for name in ['first', 'last'] %}
        cast(count({{ name }}_error) as integer) as {{ name }}_judged,
        cast(coalesce(sum({{ name }}_error), 0) as integer) as {{ name }}_error_days,
        cast(coalesce(sum(abs({{ name }}_error)), 0) as integer) as {{ name }}_absolute_error_days,
        cast(count(*) filter (where abs({{ name }}_error) <= 1) as integer) as {{ name }}_within_one_day
        {{- "," if not loop.last }}
        {%- endfor %}
    from parcels
    group by all
)

select
    *,
    {{ rate('estimated', 'entered') }} as estimate_coverage,
    {{ rate('revised', 'estimated') }} as revised_share,
    {%- for name in ['first', 'last'] %}
    {{ rate(name ~ '_error_days', name ~ '_judged') }} as {{ name }}_mean_error_days,
    {{ rate(name ~ '_absolute_error_days', name ~ '_judged') }} as {{ name }}_mean_absolute_error_days,
    {{ rate(name ~ '_within_one_day', name ~ '_judged') }} as {{ name }}_within_one_day_share
    {{- "," if not loop.last }}
    {%- endfor %}
from weeks
