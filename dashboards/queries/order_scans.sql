-- One row per scan of these parcels. The window of time lets the engine skip all but a few days of the table.
select shipment_id, occurred_at, milestone, incident, status_code, city, region, country
from marts.fct_scans
where shipment_id in (select unnest($shipments)) and occurred_at between $earliest and $latest
order by occurred_at, shipment_id, status_code
limit 2000
