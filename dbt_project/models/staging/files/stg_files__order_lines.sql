-- One row per order line and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'order_lines') }}
