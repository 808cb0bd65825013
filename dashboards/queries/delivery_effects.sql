-- One row per outcome: how often it follows late deliveries and those in time, and what lateness itself changes between like orders.
select
    outcome, after_late, after_late_rate, after_in_time, after_in_time_rate, raw_ratio, adjusted_ratio, adjusted_ratio_low,
    adjusted_ratio_high, rate_difference, rate_difference_low, rate_difference_high, compared_share as compared_rate
from marts.delivery_effects
order by outcome desc
