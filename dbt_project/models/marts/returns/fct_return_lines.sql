-- One row per returned line, with its reason in our words, its cohort and whether the delivery had failed.
--
-- A line without an order is matched to an earlier sale (int_return_matches) or stays in the cohort `unmatched`.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('int_arrived_return_lines') }}
-- depends_on: {{ ref('int_arrived_returns') }}
{{ config(unique_key='return_line_id', incremental_strategy='touched', touched_kind='return_line', materialized='incremental') }}

with lines as (
    select *
    from {{ ref('int_return_lines') }}
    {% if is_incremental() %}where return_line_id in ({{ touched('return_line') }}){% endif %}
),

linked as (
    select
        lines.* replace (
            coalesce(lines.order_id, returns.order_id, matched.order_id) as order_id,
            coalesce(lines.order_line_id, matched.order_line_id) as order_line_id,
            coalesce(lines.requested_at, returns.requested_at) as requested_at
        ),
        case
            when coalesce(lines.order_id, returns.order_id) is not null then 'stated'
            when matched.order_id is not null then 'matched'
            else 'none'
        end as order_basis
    from lines
    left join {{ ref('fct_returns') }} as returns
        on lines.return_id = returns.return_id
    left join {{ ref('int_return_matches') }} as matched
        on lines.return_line_id = matched.return_line_id
),

-- of first deliveries: a return parcel, or what replaces a parcel, is later than the promise by its nature
failures as (
    select order_id, true as delivery_failed
    from {{ ref('fct_shipments') }}
    where order_id in (select order_id from linked)
        and is_first_delivery
        and (is_damaged or (is_due and not is_on_time))
    group by order_id
)

select
    linked.shop,
    linked.source,
    linked.return_line_id,
    linked.return_id,
    linked.order_id,
    linked.order_line_id,
    linked.order_basis,
    linked.customer_token,
    linked.requested_at,
    linked.sku,
    linked.quantity,
    linked.amount,
    linked.currency,
    linked.reason_code,
    coalesce(own.reason, known.reason, 'unknown') as reason,
    coalesce(own.reason_group, known.reason_group, 'unknown') as reason_group,
    coalesce(own.reason_fault, known.reason_fault, 'unknown') as reason_fault,
    coalesce(failures.delivery_failed, false) as delivery_failure_present,
    orders.order_id is not null as is_matched,
    case when orders.order_id is null then 'unmatched' else {{ month_label('orders.ordered_date') }} end as cohort
from linked
left join {{ ref('fct_orders') }} as orders
    on linked.order_id = orders.order_id
left join failures
    on linked.order_id = failures.order_id
left join {{ source('control', 'reason_map') }} as own
    on linked.source = own.source and linked.reason_code = own.reason_code
left join {{ ref('known_return_reasons') }} as known
    on linked.reason_code = known.reason_code
