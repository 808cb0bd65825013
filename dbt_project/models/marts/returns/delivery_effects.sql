-- One row per outcome (returned: lines; repeat_purchase: orders): how often it follows late deliveries and those in time, and
-- what lateness itself changes, between orders of the same lane, value band and category.
{{ config(materialized='table') }}

select
    *,
    {{ rate('after_late_hits', 'after_late') }} as after_late_rate,
    {{ rate('after_in_time_hits', 'after_in_time') }} as after_in_time_rate
from {{ ref('int_delivery_effects') }}
