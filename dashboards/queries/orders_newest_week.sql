-- One row: the newest complete week in which orders were due.
select max(week) as week
from marts.order_delivery
where due > 0 and week <= $last_complete_week
