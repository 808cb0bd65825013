-- One row per parcel as an order export, a 3PL or a carrier declares it: its latest arrival, with the shipment_id that
-- its scans carry. The row that counts is_current; of a parcel that several sources tell of, it is one made of all of
-- them (is_merged).
--
-- Vendors reuse tracking numbers. The first parcel of a number has the number as its shipment_id; a later one, of
-- another carrier or shipped more than 60 days after the one before, has the number and its ship date.
--
-- A parcel whose number was corrected leaves its old number, and a row there (is_left) that says so for one night.
{{ config(unique_key='tracking_number', incremental_strategy='upsert') }}
{#- Of a parcel that several sources tell of: what the one that names an order knows better (who sold or packed it), and
    what the one that does not (who carries it). Where that one says nothing, the other's word stands. -#}
{%- set by_seller = ['shop', 'source', 'order_id', 'service', 'origin_node', 'origin_region', 'origin_country',
    'destination_region', 'destination_country', 'destination_time_zone', 'replaces_tracking_number', 'shipping_cost',
    'currency', 'cost_basis'] %}
{%- set by_carrier = ['carrier', 'committed_date', 'first_estimate_date', 'last_estimate_date', 'weight_grams'] %}
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

{% if is_incremental() %}
-- numbers that parcels of tonight stood under before, and under which tonight's row does not stand
left_numbers as (
    select before.tracking_number, max(latest._seq) as _seq
    from {{ this }} as before
    inner join latest
        on before.parcel_key = latest.parcel_key
    where not before.is_merged and not before.is_left and latest.tracking_number is distinct from before.tracking_number
    group by before.tracking_number
),
{% endif %}

candidates as (
    select {{ columns }}
    from latest
    {% if is_incremental() %}
    union all
    select {{ columns }}
    from {{ this }}
    where tracking_number in (select tracking_number from latest union select tracking_number from left_numbers)
        and not is_merged and not is_left
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

named as (
    select candidates.*, coalesce(aliases.carrier, candidates.carrier) as known_carrier
    from candidates
    left join {{ ref('carrier_aliases') }} as aliases
        on lower(trim(candidates.carrier)) = aliases.alias
    where source is not null and tracking_number in (select tracking_number from repeated_numbers)
),

neighbours as (
    select
        *,
        lag(parcel_key) over (partition by tracking_number order by shipped_at nulls first, parcel_key) as previous_key,
        lag(known_carrier) over (partition by tracking_number order by shipped_at nulls first, parcel_key) as previous_carrier,
        lag(shipped_at) over (partition by tracking_number order by shipped_at nulls first, parcel_key) as previous_shipped_at
    from named
),

numbered as (
    select
        *,
        sum(case
            when previous_key is null then 1
            when previous_carrier <> known_carrier then 1
            when {{ days_between('previous_shipped_at', 'shipped_at') }} > 60 then 1
            else 0
        end) over (
            partition by tracking_number order by shipped_at nulls first, parcel_key
            rows between unbounded preceding and current row
        ) as ordinal
    from neighbours
),

identified as (
    select
        {{ columns }},
        case
            when ordinal = 1 then tracking_number
            else tracking_number || '@'
                || coalesce(cast(cast(min(shipped_at) over (partition by tracking_number, ordinal) as date) as varchar), cast(ordinal as varchar))
        end as shipment_id,
        min(source) over (partition by tracking_number, ordinal) <> max(source) over (partition by tracking_number, ordinal)
            as is_told_by_several,
        row_number() over (partition by tracking_number, ordinal order by _seq desc, _row desc) as copy_no,
        row_number() over (partition by tracking_number, ordinal, source order by _seq desc, _row desc) as copy_of_source,
        row_number() over (partition by tracking_number, ordinal order by order_id is not null, _seq, _row) as seller_last,
        row_number() over (partition by tracking_number, ordinal order by order_id is null, _seq, _row) as carrier_last
    from numbered
)

select
    {{ columns }},
    tracking_number as shipment_id,
    true as is_current,
    false as is_merged,
    false as is_left
from candidates
where tracking_number not in (select tracking_number from repeated_numbers)
{{ union_by_name() }}
select
    {{ columns }},
    shipment_id,
    copy_no = 1 and not is_told_by_several as is_current,
    false as is_merged,
    false as is_left
from identified
{{ union_by_name() }}
select
    {%- for column in by_seller %}
    max_by({{ column }}, seller_last) filter (where {{ column }} is not null) as {{ column }},
    {%- endfor %}
    {%- for column in by_carrier %}
    max_by({{ column }}, carrier_last) filter (where {{ column }} is not null) as {{ column }},
    {%- endfor %}
    'merged|' || shipment_id as parcel_key,
    tracking_number,
    min(shipped_at) as shipped_at,
    min(label_created_at) as label_created_at,
    bool_or(is_cancelled) as is_cancelled,
    min(cancelled_at) as cancelled_at,
    bool_or(is_return) as is_return,
    max(_seq) as _seq,
    max(_row) as _row,
    shipment_id,
    true as is_current,
    true as is_merged,
    false as is_left
from identified
where is_told_by_several and copy_of_source = 1
group by tracking_number, shipment_id
{% if is_incremental() %}
-- rows without a source only delete
{{ union_by_name() }}
select {{ columns }}, tracking_number as shipment_id, false as is_current, false as is_merged, false as is_left
from candidates
where source is null and tracking_number in (select tracking_number from repeated_numbers)
{{ union_by_name() }}
select
    'none' as source,
    'left|' || tracking_number as parcel_key,
    tracking_number,
    _seq,
    tracking_number as shipment_id,
    false as is_current,
    false as is_merged,
    true as is_left
from left_numbers
{% endif %}
