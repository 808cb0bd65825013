-- One row per service level, lane, day of hand-over and carrier, of the periods that this refresh touches (all of them in a
-- full build): what carriers are compared by.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(materialized='table') }}

with parcels as (
    select
        *,
        coalesce(carrier, 'unknown') as carrier_name,
        '4_weeks|' || cast({{ four_weeks('week') }} as varchar) as four_weeks,
        'quarter|' || cast({{ quarter('week') }} as varchar) as quarter
    from {{ ref('fct_shipments') }}
    where is_first_delivery and week is not null
)

select
    shop,
    carrier_name as carrier,
    service_level,
    lane,
    week,
    cast({{ to_local('coalesce(accepted_at, due_at)', run_value('time_zone')) }} as date) as day,
    cast(split_part(four_weeks, '|', 2) as date) as four_weeks_start,
    cast(split_part(quarter, '|', 2) as date) as quarter_start,
    {%- if is_full() %}
    true as is_four_weeks_touched,
    true as is_quarter_touched,
    {%- else %}
    four_weeks in ({{ touched('period') }}) as is_four_weeks_touched,
    quarter in ({{ touched('period') }}) as is_quarter_touched,
    {%- endif %}
    cast(count(*) filter (where is_due) as integer) as due,
    cast(count(*) filter (where is_on_time) as integer) as on_time,
    cast(count(*) filter (where is_due_commitment) as integer) as due_commitment,
    cast(count(*) filter (where is_on_time_commitment) as integer) as on_time_commitment,
    cast(count(*) filter (where shipping_cost is not null) as integer) as costed,
    coalesce(sum(shipping_cost), 0) as cost,
    coalesce(sum(cast(shipping_cost * shipping_cost as decimal(38, 8))), 0) as cost_squares
from parcels
where (is_due or is_due_commitment)
{%- if not is_full() %} and (four_weeks in ({{ touched('period') }}) or quarter in ({{ touched('period') }})){% endif %}
group by all
