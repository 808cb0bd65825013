-- One row per ticket about the order.
select created_at, topic, channel, state_at_contact, was_avoidable, hours_known_before
from marts.fct_tickets
where order_id = $order_id
order by created_at, ticket_id
