-- One row per support ticket and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'tickets') }}
