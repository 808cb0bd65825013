-- One row per notice sent about the order.
select sent_at, kind, reason
from marts.fct_notices
where order_id = $order_id
order by sent_at, kind
