-- One row per claim in that state: what is owed, on what evidence, until when.
select
    kind, carrier, service, tracking_number, order_id, amount, currency, evidence, deadline, days_left, claim_form,
    count(*) over () as matching, sum(amount) over () as total
from marts.carrier_claims
where status = $status and (len($carriers) = 0 or list_contains($carriers, carrier))
order by days_left, amount desc, tracking_number
limit $at_most
