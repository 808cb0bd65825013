-- One row per kind of trouble with refunds: how many, and what is at stake.
select trouble, count(*) as returns, sum(amount_at_stake)::double as amount_at_stake
from marts.refund_watch
group by all
order by amount_at_stake desc nulls last, trouble
