-- One row per status code that no map knows, the most rows first.
select source, carrier, status_code, rows
from ops.unmapped_codes
order by rows desc, source, carrier, status_code
