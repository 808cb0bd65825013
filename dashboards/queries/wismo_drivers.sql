-- One row per driver of contacts, as the mart has it.
select * from marts.wismo_drivers order by all limit 500
