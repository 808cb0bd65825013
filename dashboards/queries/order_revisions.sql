-- One row per change of the order's promise.
select changed_at, promised_date
from marts.promise_revisions
where order_id = $order_id
order by changed_at, promised_date
