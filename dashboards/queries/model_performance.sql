-- One row per week of prediction and basis: how far off predictions of parcels were, beside the promise, and their coverage.
select
    week, basis, outcomes, mae_days, mae_days_promise, 100 * within_one_day_rate as within_one_day, 100 * coverage_80 as coverage,
    width_80_days, 100 * miss_probability_mean as predicted_misses, 100 * miss_rate as misses, brier, has_drifted
from outlook.model_performance
where kind = 'transit' and outcomes >= $suppress_under
order by week, basis
