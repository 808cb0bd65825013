-- One row per stage of the chain: mean days that delivered parcels spent there, in the period and in the one before it.
select
    stage,
    sum(parcels) filter (where week >= $first_week)::bigint as parcels,
    sum(stage_seconds) filter (where week >= $first_week) / 86400.0 / nullif(sum(parcels) filter (where week >= $first_week), 0)
        as mean_days,
    sum(stage_seconds) filter (where week < $first_week) / 86400.0 / nullif(sum(parcels) filter (where week < $first_week), 0)
        as mean_days_before
from marts.delay_drivers
where week between $first_week - ($last_week - $first_week + 7)::integer and $last_week
    and (len($lanes) = 0 or list_contains($lanes, lane))
group by stage
order by case stage when 'processing' then 0 when 'handover' then 1 when 'linehaul' then 2 else 3 end
