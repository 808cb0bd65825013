-- One row per period that carriers were judged over, the newest first.
select period, period_kind, period_start, period_end, count(adjusted_on_time_rate) as adjusted
from marts.carrier_scorecard_rollup
where scope = 'carrier' and service_level = 'all' and clock = $clock and due > 0
group by all
order by adjusted > 0 desc, period_kind, period_start desc
