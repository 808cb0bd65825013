-- One row per returned line and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'return_lines') }}
