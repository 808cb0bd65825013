-- One row per setting that shapes a figure (no secrets).
select key, value
from ops.settings
order by key
