-- One row per SKU and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'products') }}
