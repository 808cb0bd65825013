-- One row per open parcel of the order that is at risk: what is predicted for it, and why.
select shipment_id, predicted_at, p10_date, p50_date, p90_date, miss_probability, reasons
from outlook.at_risk
where order_id = $order_id
order by shipment_id
