-- One row per source, entity and reason a row was rejected for, the most rows first. A row may have several reasons.
select source, entity, reason, rows, batches, samples_json
from ops.quarantine
order by rows desc, source, entity, reason
