-- One row per state of claims.
select status, count(*) as claims, sum(amount) as amount
from marts.carrier_claims
group by status
order by status <> 'open', status
