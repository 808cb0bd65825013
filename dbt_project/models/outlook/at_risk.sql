-- One row per open parcel or unshipped order that may miss its promise or be lost: the dearest first, with the time left.
--
-- Expected cost: the chance of a miss times the cost of a contact, and the chance of loss times the order's amount.
-- depends_on: {{ ref('int_open_snapshots') }}

with judged as (
    select
        *,
        miss_probability * {{ setting('costs.per_contact') }}
            + coalesce(presumed_lost_probability * order_amount, 0.0) as expected_cost,
        {{ hours_between('moment', 'due_at') }} as lead_hours
    from {{ source('predictions', 'current') }}
    where basis <> 'none'
)

select
    cast(row_number() over (order by expected_cost desc nulls last, case_id) as integer) as risk_rank,
    shop,
    kind,
    shipment_id,
    order_id,
    carrier,
    service,
    lane,
    promised_date,
    p10_date,
    p50_date,
    p80_date,
    p90_date,
    miss_probability,
    presumed_lost_probability,
    expected_cost,
    lead_hours,
    coalesce(lead_hours < 0, false) as is_missed,
    reasons,
    basis,
    model_id,
    moment as predicted_at
from judged
where miss_probability >= 0.3 or presumed_lost_probability >= 0.3
