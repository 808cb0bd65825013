-- One row per parcel as an order export, a 3PL or a carrier declares it: its latest arrival, with the shipment_id that
-- its scans carry.
--
-- Vendors reuse tracking numbers. The first parcel of a number has the number as its shipment_id; a later one, of
-- another carrier or shipped more than 60 days after the one before, has the number and its ship date.
{{ config(unique_key='tracking_number', incremental_strategy='upsert') }}
{%- set columns %}shop, source, parcel_key, order_id, carrier, service, tracking_number, shipped_at, origin_node,
        origin_region, origin_country, destination_region, destination_country, destination_time_zone, label_created_at,
        committed_date, first_estimate_date, last_estimate_date, is_cancelled, cancelled_at, is_return,
        replaces_tracking_number, shipping_cost, currency, cost_basis, weight_grams, _seq, _row{% endset %}

with repeated_keys as (
    {{ repeated_arrivals(ref('int_arrived_shipments'), 'parcel_key') }}
),

latest as (
    select
        arrivals.* replace (
            case when arrivals._deleted then null else arrivals.source end as source,
            coalesce(arrivals.is_cancelled, false) or arrivals.cancelled_at is not null as is_cancelled,
            coalesce(arrivals.is_return, false) as is_return
        )
    from {{ ref('int_arrived_shipments') }} as arrivals
    left join repeated_keys
        on arrivals._seq = repeated_keys._seq and arrivals._row = repeated_keys._row
    where coalesce(repeated_keys.copy_no, 1) = 1
),

candidates as (
    select {{ columns }}
    from latest
    {% if is_incremental() %}
    union all
    select {{ columns }}
    from {{ this }}
    where tracking_number in (select tracking_number from latest)
        and parcel_key not in (select parcel_key from latest)
    {% else %}
    where source is not null
    {% endif %}
),

repeated_numbers as (
    select tracking_number
    from candidates
    group by tracking_number
    having count(*) > 1
),

neighbours as (
    select
        *,
        lag(parcel_key) over (partition by tracking_number order by shipped_at nulls first, parcel_key) as previous_key,
        lag(carrier) over (partition by tracking_number order by shipped_at nulls first, parcel_key) as previous_carrier,
        lag(shipped_at) over (partition by tracking_number order by shipped_at nulls first, parcel_key) as previous_shipped_at
    from candidates
    where source is not null and tracking_number in (select tracking_number from repeated_numbers)
),

numbered as (
    select
        *,
        sum(case
            when previous_key is null then 1
            when coalesce(previous_carrier, '') <> coalesce(carrier, '') then 1
            when {{ days_between('previous_shipped_at', 'shipped_at') }} > 60 then 1
            else 0
        end) over (
            partition by tracking_number order by shipped_at nulls first, parcel_key
            rows between unbounded preceding and current row
        ) as ordinal
    from neighbours
)

select
    {{ columns }},
    tracking_number as shipment_id,
    true as is_current
from candidates
where tracking_number not in (select tracking_number from repeated_numbers)
union all
select
    {{ columns }},
    case
        when ordinal = 1 then tracking_number
        else tracking_number || '@'
            || cast(cast(min(shipped_at) over (partition by tracking_number, ordinal) as date) as varchar)
    end as shipment_id,
    row_number() over (partition by tracking_number, ordinal order by _seq desc, _row desc) = 1 as is_current
from numbered
{% if is_incremental() %}
union all
select {{ columns }}, tracking_number, false
from candidates
where source is null and tracking_number in (select tracking_number from repeated_numbers)
{% endif %}
