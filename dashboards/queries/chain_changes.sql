-- One row per lane, service level, week and stage of the period whose days changed by more than noise, the most first.
select lane, service_level, week, stage, parcels, mean_days, change_days, noise_days
from marts.delay_drivers
where week between $first_week and $last_week and is_beyond_noise and (len($lanes) = 0 or list_contains($lanes, lane))
order by abs(change_days) * parcels desc, lane, service_level, week, stage
limit 200
