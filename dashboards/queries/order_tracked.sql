-- One row per order that has a parcel of this tracking number.
select order_id
from marts.fct_shipments
where tracking_number = $wanted and order_id is not null
group by all
order by order_id
limit 20
