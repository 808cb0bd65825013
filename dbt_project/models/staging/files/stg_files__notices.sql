-- One row per notice sent to a customer and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'notices') }}
