-- One row per open parcel, and per order that no carrier has yet, as known at as_of: what predictions are made from.
{{ config(materialized='table', tags=['predictions']) }}
{%- set as_of = as_of() %}
{%- set cases %}
    select 'transit' as kind, shipment_id as case_id, shipment_id, order_id, {{ as_of }} as moment
    from {{ ref('fct_shipments') }}
    where is_open and not is_return and accepted_at <= {{ as_of }}
    union all
    select 'order', order_id, null, order_id, {{ as_of }}
    from {{ ref('fct_orders') }}
    where not is_cancelled and ordered_at <= {{ as_of }} and completed_at is null
        and ordered_at > {{ add_days(as_of, -60) }}
        and order_id not in (
            select order_id from {{ ref('fct_shipments') }} where accepted_at is not null and order_id is not null
        )
{%- endset %}
{{ snapshots(cases, add_days(as_of, -120)) }}
