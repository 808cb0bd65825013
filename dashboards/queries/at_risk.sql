-- One row per open parcel or order that may miss its promise or be lost, the dearest first, with the time left.
select
    tracking_number, at_risk.order_id, at_risk.kind = 'order' as is_unshipped,
    nullif(at_risk.carrier, '*') as carrier, nullif(at_risk.service, '*') as service, at_risk.lane,
    at_risk.promised_date, p10_date, p50_date, p80_date, p90_date, 100 * miss_probability as miss_percent,
    100 * presumed_lost_probability as lost_percent, expected_cost, lead_hours / 24 as lead_days, is_missed, reasons, basis,
    count(*) over () as matching, sum(expected_cost) over () as total_cost
from outlook.at_risk
left join marts.fct_shipments using (shipment_id)
where (cardinality($carriers) = 0 or list_contains($carriers, at_risk.carrier))
    and ($show = 'All' or not is_missed)
order by risk_rank
limit $at_most
