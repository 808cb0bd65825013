-- One row per sampled moment of a parcel's or an order's life, with what is known by now of how it ended.
--
-- Every day of a life of the last predictions.training_days is as likely to be drawn as any other, so that the sample
-- looks like what is open at some moment: at most about predictions.most_snapshots of each kind, by a hash of key and
-- day. The hour is drawn as well; an order's first moment is that of the order itself. Open parcels stay in.
{{ config(materialized='table', tags=['training']) }}
{%- set as_of = as_of() %}
{%- set since = add_days(as_of, '-' ~ setting('predictions.training_days')) %}

with by_order as (
    select
        order_id,
        min(accepted_at) as accepted_at,
        max(delivered_local) as delivered_local,
        count(*) as parcels,
        count(*) filter (where end_milestone = 'delivered') as delivered,
        count(*) filter (where end_milestone is not null and end_milestone <> 'delivered') as gone
    from {{ ref('fct_shipments') }}
    where is_first_delivery and not is_cancelled and order_id is not null
    group by order_id
),

lives as (
    select
        'transit' as kind,
        shipment_id as case_id,
        shipment_id,
        order_id,
        accepted_at as began_at,
        least(coalesce(ended_at, {{ as_of }}), coalesce(last_scan_at, accepted_at) + interval '30' day, {{ as_of }}) as over_at,
        case when end_milestone = 'delivered' then cast(delivered_local as date) end as delivered_date,
        coalesce(end_milestone <> 'delivered', false) or coalesce(last_scan_at + interval '10' day <= {{ as_of }}, false)
            and end_milestone is null as is_gone
    from {{ ref('fct_shipments') }}
    where accepted_at is not null and accepted_at > {{ since }} and accepted_at <= {{ as_of }} and not is_return
        and (ended_at is null or ended_at >= accepted_at)
    union all
    select
        'order',
        orders.order_id,
        null,
        orders.order_id,
        orders.ordered_at,
        least(coalesce(by_order.accepted_at, {{ as_of }}), orders.ordered_at + interval '30' day, {{ as_of }}),
        case when by_order.delivered = by_order.parcels then cast(by_order.delivered_local as date) end,
        coalesce(by_order.gone > 0, false)
    from {{ ref('fct_orders') }} as orders
    left join by_order
        on orders.order_id = by_order.order_id
    where orders.ordered_at > {{ since }} and orders.ordered_at <= {{ as_of }} and not orders.is_cancelled
),

numbers as (
    select {{ days_between("date '2000-01-01'", 'day') }} as n
    from ({{ days_spine("date '2000-01-01'", "date '2000-03-31'") }})
),

days as (
    select
        lives.*,
        numbers.n,
        {{ share_of("lives.case_id || '/' || cast(numbers.n as varchar)") }} as draw,
        count(*) over (partition by lives.kind) as of_kind
    from lives
    inner join numbers
        on {{ add_days('cast(lives.began_at as date)', 'numbers.n') }} <= lives.over_at
),

moments as (
    select
        *,
        case
            when kind = 'order' and n = 0 then began_at
            else cast(cast({{ add_days('began_at', 'n') }} as date) as timestamp)
                + interval '1' minute * cast(floor({{ share_of("'minute ' || case_id || cast(n as varchar)") }} * 1440) as integer)
        end as moment
    from days
    where draw * of_kind < {{ setting('predictions.most_snapshots') }}
)

select kind, case_id, shipment_id, order_id, moment, delivered_date, is_gone
from moments
where moment >= began_at and (moment < over_at or moment = began_at)
