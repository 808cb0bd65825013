-- One row per published column name: what it means.
select name, description
from ops.dictionary
order by name
