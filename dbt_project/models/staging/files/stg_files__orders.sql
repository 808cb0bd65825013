-- One row per order and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'orders') }}
