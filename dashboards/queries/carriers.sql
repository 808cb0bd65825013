-- One row per carrier with a name.
select carrier, carrier_name
from marts.dim_carriers
where carrier <> '*' and carrier_name is not null
