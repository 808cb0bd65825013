-- One row per cohort (month of the order; `unmatched` without one), SKU and reason.
{{ config(materialized='table') }}

select
    shop,
    cohort,
    coalesce(sku, 'unknown') as sku,
    reason_group,
    reason,
    reason_fault,
    cast(count(*) as integer) as returned_lines,
    cast(count(distinct return_id) as integer) as returns,
    cast(sum(quantity) as bigint) as returned_units,
    sum(amount) as returned_amount,
    cast(count(*) filter (where delivery_failure_present) as integer) as lines_after_delivery_failure
from {{ ref('fct_return_lines') }}
where requested_at is null or requested_at <= {{ as_of() }}
group by all
