-- One row per row of marts.return_bracketing, as it is published.
select * from marts.return_bracketing limit 500
