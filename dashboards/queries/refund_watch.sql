-- One row per row of marts.refund_watch, as it is published.
select * from marts.refund_watch limit 500
